import { KeyTable, keyOf, Numbers } from "../../pipeline/collections.ts";
import { compare } from "../../pipeline/order.ts";
import { type Leak, LINKS } from "../../schemas/leak.ts";
import { Split } from "../../schemas/user.ts";

/** What the audit is told of a conversation; null = it has no such thing. */
export type Linked = {
  split: Split;
  user: string | null;
  country: string | null;
  opening: string | null;
  template: string | null;
  cluster: string | null;
};

/** Most examples of a kind: those of the most conversations. */
const EXAMPLES = 5;

/** One kind of link: the values that are torn between splits, and the smallest ids found for the examples. */
type Found = {
  link: Leak["link"];
  known: number;
  values: Uint32Array;
  torn: Uint8Array;
  examples: Map<number, Map<Split, string>>;
};

/** What conversations have of one kind: by conversation the number of its value, 0 = none. */
class Column {
  readonly table = new KeyTable();
  readonly #numbers = new Numbers();

  push([low, high]: readonly [number, number]): void {
    this.#numbers.push(low === 0 && high === 0 ? 0 : 1 + this.table.number(low, high));
  }

  get values(): Uint32Array {
    return this.#numbers.values;
  }
}

/**
 * The conversations of a split by what they share with others. In which order they come changes nothing but their numbers.
 * Memory: 24 to 48 bytes a conversation, and 16 to 32 for every different user, opening, template and cluster.
 */
export class Audit {
  readonly #user = new Column();
  readonly #opening = new Column();
  readonly #template = new Column();
  readonly #cluster = new Column();
  readonly #country = new Column();
  readonly #splits = new Numbers();

  /** Adds one conversation. */
  add(linked: Linked): void {
    this.addKeys(linked.split, (column) => {
      const value = linked[column];
      return value === null ? [0, 0] : keyOf(value);
    });
  }

  /** Adds one conversation by the keys of what it has; both lanes 0 = it has no such thing. */
  addKeys(split: Split, keyIn: (column: Exclude<keyof Linked, "split">) => readonly [number, number]): void {
    this.#user.push(keyIn("user"));
    this.#opening.push(keyIn("opening"));
    this.#template.push(keyIn("template"));
    this.#cluster.push(keyIn("cluster"));
    this.#country.push(keyIn("country"));
    this.#splits.push(Split.options.indexOf(split));
  }

  /** One row a kind of link. `ids`: those of the conversations in the order in which they were added. */
  async leaks(ids: AsyncIterable<string> | Iterable<string>): Promise<Leak[]> {
    const found = LINKS.map((link) => this.#find(link));
    const splits = this.#splits.values;
    let at = 0;
    for await (const id of ids) {
      const split = Split.options[splits[at] as number] as Split;
      for (const { values, examples } of found) {
        const least = examples.get(values[at] as number);
        if (least && !((least.get(split) ?? "\uffff") < id)) least.set(split, id);
      }
      at++;
    }
    return found.map((each) => this.#leak(each));
  }

  #find(link: Leak["link"]): Found {
    const columns = { user: this.#user, country: this.#user, opening: this.#opening, template: this.#template };
    const column = link === "near_duplicate" ? this.#cluster : columns[link];
    const { values, table } = column;
    const torn = this.#torn(values, table.size + 1, link === "country");
    const conversations = new Uint32Array(torn.length);
    for (const value of values) conversations[value] = (conversations[value] as number) + 1;
    const most = [...torn.keys()].filter((value) => torn[value] === 1);
    const larger = (a: number, b: number) => (conversations[b] as number) - (conversations[a] as number);
    most.sort((a, b) => larger(a, b) || compare(table.key(a - 1), table.key(b - 1)));
    const known = table.size;
    return { link, known, values, torn, examples: new Map(most.slice(0, EXAMPLES).map((value) => [value, new Map()])) };
  }

  /** 1 for each value that is in more than one split and, if wanted, under more than one known country. */
  #torn(values: Uint32Array, different: number, underCountries: boolean): Uint8Array {
    const [splits, countries] = [this.#splits.values, this.#country.values];
    const masks = new Uint8Array(different);
    const first = new Uint32Array(different);
    const several = new Uint8Array(different);
    for (let at = 0; at < values.length; at++) {
      const value = values[at] as number;
      const country = countries[at] as number;
      if (value === 0) continue;
      masks[value] = (masks[value] as number) | (1 << (splits[at] as number));
      if (country !== 0 && first[value] !== 0 && first[value] !== country) several[value] = 1;
      if (country !== 0) first[value] = country;
    }
    return masks.map((mask, value) => Number((mask & (mask - 1)) !== 0 && (!underCountries || several[value] === 1)));
  }

  #leak({ link, known, values, torn, examples }: Found): Leak {
    const counts = new Uint32Array(Split.options.length);
    const splits = this.#splits.values;
    for (let at = 0; at < values.length; at++) {
      const split = splits[at] as number;
      if (torn[values[at] as number] === 1) counts[split] = (counts[split] as number) + 1;
    }
    const [train = 0, validation = 0, test = 0] = counts;
    const shown = [...examples.values()].map((least) =>
      Split.options.flatMap((split) => {
        const conversation_id = least.get(split);
        return conversation_id === undefined ? [] : [{ split, conversation_id }];
      }),
    );
    return { link, known, values: torn.reduce((sum, each) => sum + each, 0), train, validation, test, examples: shown };
  }
}

/** True if no conversation has a user, so that nobody can say whether some are in several splits. */
export function knowsNoUsers(leaks: readonly Leak[]): boolean {
  return leaks.some(({ link, known }) => link === "user" && known === 0);
}

/** What the audit found, in words; "" if nothing is shared between splits. */
export function leaksInWords(leaks: readonly Leak[]): string {
  const words: Record<Leak["link"], string> = {
    user: "users",
    country: "users seen under two countries",
    opening: "openings",
    template: "templates",
    near_duplicate: "clusters of near-duplicates",
  };
  const torn = leaks.filter((leak) => leak.values > 0);
  return torn.map(({ link, values }) => `${values} ${words[link]}`).join(", ");
}

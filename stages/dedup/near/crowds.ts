/** Texts that each text of a group is compared with: those that stand next before it. */
const WINDOW = 32;

/** A text under some key, and 32 bits of its own hash. */
export type Entry = { text: number; hash: number };

/** In the order of their hashes each with the 32 before it, and texts of equal hash with the first of them. */
export function* neighbours(group: Entry[]): Generator<readonly [number, number]> {
  group.sort((a, b) => a.hash - b.hash || a.text - b.text);
  let before: number[] = [];
  let first = group[0];
  for (const entry of group) {
    if (first !== undefined && entry !== first && entry.hash === first.hash) {
      yield [first.text, entry.text];
      continue;
    }
    for (const text of before) yield [text, entry.text];
    first = entry;
    before = [...before, entry.text].slice(-WINDOW);
  }
}

/**
 * Neighbours among those of a crowd, more texts than are compared each with each, that share a rare shingle. Sets of a
 * Jaccard similarity of `least` have one in common among the rarest `size - least * size + 1` of each (prefix filtering,
 * Chaudhuri, Ganti and Kaushik 2006), so that what members of one family of thousands share beyond their template brings
 * them together. Shingles of more than half of the crowd tell nothing. Memory: about 50 bytes a different shingle.
 */
export function* rareNeighbours(
  crowd: readonly Entry[],
  setOf: (text: number) => Uint32Array,
  least: number,
): Generator<readonly [number, number]> {
  const counts = new Map<number, number>();
  for (const { text } of crowd) for (const value of setOf(text)) counts.set(value, (counts.get(value) ?? 0) + 1);
  const groups = new Map<number, Entry[]>();
  for (const entry of crowd) {
    for (const value of rarest(setOf(entry.text), counts, crowd.length / 2, least)) {
      const group = groups.get(value);
      if (group) group.push(entry);
      else groups.set(value, [entry]);
    }
  }
  for (const group of groups.values()) yield* neighbours(group);
}

/** The rarest values of a set that some other set of the crowd may have too, and no more than `most` have. */
function rarest(set: Uint32Array, counts: ReadonlyMap<number, number>, most: number, least: number): number[] {
  let room = set.length - Math.ceil(least * set.length - 1e-9) + 1;
  const shared: { value: number; count: number }[] = [];
  for (const value of set) {
    const count = counts.get(value) as number;
    if (count === 1) room--;
    else if (count <= most) shared.push({ value, count });
  }
  if (room <= 0) return [];
  if (shared.length > room) shared.sort((a, b) => a.count - b.count || a.value - b.value).length = room;
  return shared.map(({ value }) => value);
}

/** The texts of a sorted bucket with equal ones once; empty if all were compared each with each. */
export function crowdOf(bucket: readonly Entry[]): Entry[] {
  if (bucket.length <= WINDOW + 1) return [];
  const different = bucket.filter(({ hash }, at) => at === 0 || hash !== bucket[at - 1]?.hash);
  return different.length <= WINDOW + 1 ? [] : different;
}

import { compare } from "../../pipeline/order.ts";
import type { Stratum } from "../../schemas/stratum.ts";
import { Split, type User } from "../../schemas/user.ts";

/** How much of each country went to each split, countries by name, the unknown one last. Memory: the countries. */
export function strataOf(users: Iterable<User>, ratios: readonly number[]): Stratum[] {
  const total = ratios.reduce((sum, ratio) => sum + ratio, 0);
  const countries = new Map<string | null, Stratum[]>();
  for (const { country, conversations, split } of users) {
    const strata = countries.get(country) ?? Split.options.map((each) => empty(country, each));
    countries.set(country, strata);
    for (const [at, stratum] of strata.entries()) {
      stratum.target += (ratios[at] ?? 0) / total;
      if (stratum.split !== split) continue;
      stratum.users++;
      stratum.conversations += conversations;
    }
  }
  return [...countries.values()].flat().map(rounded).sort(byCountry);
}

function empty(country: string | null, split: Split): Stratum {
  return { country, split, users: 0, conversations: 0, target: 0 };
}

/** Sums of fractions depend on their order in the last digits. */
function rounded(stratum: Stratum): Stratum {
  return { ...stratum, target: Math.round(stratum.target * 1e6) / 1e6 };
}

function byCountry(a: Stratum, b: Stratum): number {
  return compare(a.country ?? "\uffff", b.country ?? "\uffff");
}

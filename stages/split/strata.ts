import { compare } from "../../pipeline/order.ts";
import type { Share } from "../../schemas/stratum.ts";
import { Split, type User } from "../../schemas/user.ts";

/** How much of each country went to each split, countries by name, the unknown one last. Memory: the countries. */
export function sharesByCountry(users: Iterable<User>, ratios: readonly number[]): Share[] {
  const total = ratios.reduce((sum, ratio) => sum + ratio, 0);
  const countries = new Map<string | null, Share[]>();
  for (const { country, conversations, split } of users) {
    const shares = countries.get(country) ?? Split.options.map((each) => empty(country, each));
    countries.set(country, shares);
    for (const [at, share] of shares.entries()) {
      share.target += (ratios[at] ?? 0) / total;
      if (share.split !== split) continue;
      share.users++;
      share.conversations += conversations;
    }
  }
  return [...countries.values()].flat().map(rounded).sort(byCountry);
}

function empty(country: string | null, split: Split): Share {
  return { country, split, users: 0, conversations: 0, target: 0 };
}

/** Sums of fractions depend on their order in the last digits. */
function rounded(share: Share): Share {
  return { ...share, target: Math.round(share.target * 1e6) / 1e6 };
}

function byCountry(a: Share, b: Share): number {
  return compare(a.country ?? "\uffff", b.country ?? "\uffff");
}

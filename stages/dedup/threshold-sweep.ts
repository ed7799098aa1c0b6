import { KeyTable, keyOf } from "../../pipeline/collections.ts";
import type { ThresholdPoint } from "../../schemas/threshold-point.ts";

/** The thresholds for which it is told what would be removed. */
export const MIN_COUNTS = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000] as const;
/** 0 = any heavy 7-gram is enough. */
export const COVERAGES = [0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] as const;

/** By `MIN_COUNTS`: how many of `COVERAGES` are reached. More words, higher counts: a profile never rises. */
export type Profile = Uint8Array;

const NONE: Profile = new Uint8Array(MIN_COUNTS.length);

/** The profile of an opening from the words that heavy 7-grams cover at each of `MIN_COUNTS`. */
export function profileOf(covered: readonly number[], words: number): Profile {
  return Uint8Array.from(covered, (each) => {
    return each === 0 ? 0 : COVERAGES.filter((coverage) => each >= coverage * words).length;
  });
}

/**
 * Adds up what each threshold would remove. A user is removed where all of their conversations are: their profile is
 * the lowest of those of their conversations. Memory: about 40 bytes a user.
 */
export class ThresholdSweep {
  readonly #users = new KeyTable();
  #profiles = new Uint8Array(MIN_COUNTS.length << 10);
  /** Conversations by min count and level. */
  readonly #conversations = MIN_COUNTS.map(() => new Uint32Array(COVERAGES.length + 1));

  /** Adds one conversation; null = it has no heavy 7-gram at any threshold. */
  add(user: string, profile: Profile | null): void {
    addTo(this.#conversations, profile ?? NONE);
    this.#lower(userKey(user), profile ?? NONE);
  }

  /** Adds what another sweep has gathered. */
  merge(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const users = view.getUint32(0, true);
    const width = 8 + MIN_COUNTS.length;
    for (let each = 0; each < users; each++) {
      const at = 4 + each * width;
      const key = [view.getUint32(at, true), view.getUint32(at + 4, true)] as const;
      this.#lower(key, bytes.subarray(at + 8, at + width));
    }
    let at = 4 + users * width;
    for (const counts of this.#conversations) {
      for (let level = 0; level < counts.length; level++, at += 4)
        counts[level] = (counts[level] as number) + view.getUint32(at, true);
    }
  }

  /** Everything gathered, for `merge`: the users with their profiles, then conversations by threshold and level. */
  encode(): Uint8Array {
    const width = 8 + MIN_COUNTS.length;
    const levels = COVERAGES.length + 1;
    const bytes = new Uint8Array(4 + this.#users.size * width + 4 * MIN_COUNTS.length * levels);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#users.size, true);
    for (let user = 0; user < this.#users.size; user++) {
      const [low, high] = this.#users.lanes(user);
      const at = 4 + user * width;
      view.setUint32(at, low, true);
      view.setUint32(at + 4, high, true);
      bytes.set(this.#profile(user), at + 8);
    }
    const counts = this.#conversations.flatMap((each) => [...each]);
    for (const [each, count] of counts.entries()) view.setUint32(4 + this.#users.size * width + 4 * each, count, true);
    return bytes;
  }

  /** One point for every pair of thresholds. */
  points(): ThresholdPoint[] {
    const users = MIN_COUNTS.map(() => new Uint32Array(COVERAGES.length + 1));
    for (let user = 0; user < this.#users.size; user++) addTo(users, this.#profile(user));
    return MIN_COUNTS.flatMap((min_count, at) =>
      COVERAGES.map((coverage, level) => ({
        min_count,
        coverage,
        conversations: above(this.#conversations[at], level),
        users: above(users[at], level),
      })),
    );
  }

  #lower(user: readonly [number, number], profile: Profile): void {
    const before = this.#users.size;
    const number = this.#users.number(...user);
    if ((number + 1) * MIN_COUNTS.length > this.#profiles.length) {
      const grown = new Uint8Array(this.#profiles.length * 2);
      grown.set(this.#profiles);
      this.#profiles = grown;
    }
    const own = this.#profile(number);
    if (number === before) own.set(profile);
    for (const [at, level] of profile.entries()) own[at] = Math.min(level, own[at] as number);
  }

  #profile(user: number): Uint8Array {
    return this.#profiles.subarray(user * MIN_COUNTS.length, (user + 1) * MIN_COUNTS.length);
  }
}

function addTo(counts: readonly Uint32Array[], profile: Profile): void {
  for (const [at, own] of counts.entries()) {
    const level = profile[at] as number;
    own[level] = (own[level] as number) + 1;
  }
}

/** The key of a user: of ids that are hashes already the first 16 of their 32 hex digits. */
function userKey(user: string): readonly [number, number] {
  if (!/^[0-9a-f]{32}$/.test(user)) return keyOf(user);
  return [Number.parseInt(user.slice(0, 8), 16) || 1, Number.parseInt(user.slice(8, 16), 16)];
}

/** How many reached more than `level` coverages. */
function above(counts: Uint32Array | undefined, level: number): number {
  return (counts ?? new Uint32Array()).subarray(level + 1).reduce((sum, each) => sum + each, 0);
}

import { createHash } from "node:crypto";
import { LANGUAGES, type Language } from "./languages.ts";
import { Random } from "./random.ts";

/** A made-up person who sends prompts. */
export interface Person {
  readonly language: Language;
  readonly country: string | null;
  readonly state: string | null;
  readonly hashed_ip: string;
  readonly header: { readonly "accept-language": string; readonly "user-agent": string };
}

/** Conversations for each person, on average. */
const CONVERSATIONS_EACH = 5;
/** The higher, the less the first people say of all. With 20 the busiest has one conversation in 200 of a million. */
const HEAD = 20;

const SYSTEMS = ["Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"];

/** The number of some person among those of a corpus: by Zipf and Mandelbrot, so that a few are very busy and most come once or twice. */
export function drawPerson(conversations: number, random: Random): number {
  const people = Math.max(1, Math.floor(conversations / CONVERSATIONS_EACH));
  return Math.floor((1 + HEAD) * ((people + 1 + HEAD) / (1 + HEAD)) ** random.unit() - 1 - HEAD);
}

/** The person with a number. */
export function person(seed: string, number: number): Person {
  const random = new Random(seed, "person", number);
  const language = random.weighted(LANGUAGES);
  const place = random.weighted(language.places);
  const version = 110 + random.below(15);
  const agent = `Mozilla/5.0 (${random.pick(SYSTEMS)}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
  return {
    language,
    country: place.country,
    // The place look-up finds no state for many addresses.
    state: place.states.length > 0 && random.chance(0.6) ? random.pick(place.states) : null,
    hashed_ip: syntheticHash(`${seed}\nperson\n${number}`, 64),
    header: { "accept-language": language.acceptLanguage, "user-agent": agent },
  };
}

/** A hash of this many characters that begins with `synthetic`, so that nobody takes it for one of the real data. */
export function syntheticHash(content: string | Uint8Array, length: number): string {
  return `synthetic${createHash("sha256").update(content).digest("hex")}`.slice(0, length);
}

// The made-up people of the demo: where each of them is, and what their browser says. All of it is synthetic.

type DemoUser = { country: string | null; state: string | null; acceptLanguage: string };

/** One line a place: country, state (null where the place lookup found none), browser language, and who lives there. */
const PLACES: readonly [country: string | null, state: string | null, acceptLanguage: string, users: string][] = [
  ["United States", "Ohio", "en-US,en;q=0.9", "u01 u03 u04 u05"],
  ["United States", "Texas", "en-US,en;q=0.9,es;q=0.8", "u06 u07 u08 u09"],
  ["United States", null, "en-US,en;q=0.5", "u10 u11 u12 u13 u14"],
  ["India", "Karnataka", "en-IN,en-GB;q=0.9,en;q=0.8", "u02 u15 u16"],
  ["India", null, "en-GB,en;q=0.9,hi;q=0.8", "u17 u18"],
  ["United Kingdom", "England", "en-GB,en;q=0.9", "u19 u20 u21 u22"],
  ["United Kingdom", "Scotland", "en-GB,en;q=0.5", "u23 u46"],
  ["Canada", "Ontario", "en-CA,en;q=0.9", "u24 u25 u43"],
  ["Canada", "Quebec", "fr-CA,fr;q=0.9,en;q=0.8", "u26"],
  ["Germany", "Hesse", "de-DE,de;q=0.9,en;q=0.8", "u27 u28"],
  ["Philippines", null, "en-PH,en;q=0.9,fil;q=0.8", "u29 u30 u31"],
  ["Australia", "Victoria", "en-AU,en;q=0.9", "u32 u33"],
  ["France", "Île-de-France", "fr-FR,fr;q=0.9,en;q=0.7", "u34 u35"],
  ["Brazil", "Paraná", "pt-BR,pt;q=0.9,en;q=0.8", "u36"],
  ["Nigeria", null, "en-NG,en;q=0.9", "u37"],
  ["United States", "Florida", "es-US,es;q=0.9,en;q=0.8", "u38"],
  ["Japan", "Tokyo", "ja,en;q=0.9", "u39 u44"],
  ["Australia", null, "en-AU,en;q=0.9", "u40"],
  ["Egypt", null, "ar-EG,ar;q=0.9,en;q=0.8", "u41"],
  ["Russia", null, "ru-RU,ru;q=0.9,en;q=0.7", "u42"],
  [null, null, "en-US,en;q=0.9", "u45"],
  // People who sent nothing but one of the planted templates: they are gone after near-duplicate removal.
  ["United States", null, "en-US,en;q=0.9", "u47 u48 u49"],
  ["India", null, "en-GB,en;q=0.9", "u50 u51"],
  ["Philippines", null, "en-US,en;q=0.9", "u52"],
];

/** The people by key. */
export const USERS: ReadonlyMap<string, DemoUser> = new Map(
  PLACES.flatMap(([country, state, acceptLanguage, users]) =>
    users.split(" ").map((user) => [user, { country, state, acceptLanguage }] as const),
  ),
);

import isoCountries from "i18n-iso-countries";
import { type CountryCode, getCountries } from "libphonenumber-js/max";

/** Names in use that neither the ISO list nor Unicode's has, or has for another country too, by code. */
const ALSO: Readonly<Record<string, string>> = {
  BA: "Bosnia",
  BN: "Brunei",
  CD: "DR Congo, DRC, Congo-Kinshasa, Zaire, Congo Democratic Republic, Congo Democratic Republic of the, Congo The Democratic Republic of the",
  CG: "Congo, Congo-Brazzaville, Congo Republic",
  CV: "Cape Verde, Cabo Verde",
  CZ: "Czech Republic",
  FM: "Micronesia",
  GB: "UK, England, Scotland, Wales, Northern Ireland, Britain, Great Britain",
  KP: "DPRK, Democratic People's Republic of Korea",
  KR: "Korea, South Korea",
  LA: "Laos, Lao PDR, Lao People's Democratic Republic",
  LY: "Libyan Arab Jamahiriya",
  MF: "Saint Martin",
  MK: "Macedonia, The former Yugoslav Republic of Macedonia",
  MM: "Burma",
  MO: "Macau",
  NL: "Holland",
  PS: "Palestine, Palestinian Territory, Palestinian Territories, State of Palestine",
  RU: "Russian Federation",
  ST: "Sao Tome",
  SX: "Sint Maarten",
  SZ: "Swaziland",
  TL: "East Timor",
  TR: "Turkey",
  TW: "Chinese Taipei, Taiwan (Province of China)",
  US: "USA, America, United States of America",
  VA: "Vatican, Holy See",
  VI: "US Virgin Islands, Virgin Islands (US)",
  VG: "Virgin Islands (British)",
  VN: "Vietnam",
  XK: "Kosovo",
};

/** What official names have before the short one; with `Democratic` another country may be meant. */
const FORMS =
  /^(?:the )?(?:(?:hashemite|islamic|bolivarian|plurinational|united|socialist|federal|federative|federated) )*(?:republic|kingdom|state|states|union|commonwealth|principality|grand duchy|sultanate) of (?:the )?/;

let regions: ReadonlyMap<string, CountryCode> | undefined;

/** The region of a country that is given by a usual English name, or by its code of two or three letters; undefined = no such country is known. */
export function regionOf(country: string): CountryCode | undefined {
  regions ??= regionsByName();
  const name = plain(country);
  // "Iran, Islamic Republic of" and "Iran (Islamic Republic of)".
  const short = name.replace(/ ?[,(].*$/, "").replace(FORMS, "");
  return regions.get(squeezed(name)) ?? regions.get(squeezed(name.replace(FORMS, ""))) ?? regions.get(squeezed(short));
}

function regionsByName(): Map<string, CountryCode> {
  const unicode = new Intl.DisplayNames("en", { type: "region" });
  const iso = isoCountries.getNames("en", { select: "all" });
  const found = new Map<string, CountryCode>();
  const codes = getCountries();
  for (const code of codes) for (const name of ALSO[code]?.split(", ") ?? []) found.set(squeezed(plain(name)), code);
  for (const code of codes)
    for (const name of [code, isoCountries.alpha2ToAlpha3(code), unicode.of(code), ...(iso[code] ?? [])])
      if (name !== undefined) addName(found, name, code);
  return found;
}

/** Of countries of one name, such as Congo, the one that is added first counts. */
function addName(found: Map<string, CountryCode>, name: string, code: CountryCode): void {
  const full = plain(name);
  const short = full.replace(/ \(.*$/, "").replace(/ sar china$/, "");
  for (const each of [full, short]) if (!found.has(squeezed(each))) found.set(squeezed(each), code);
}

/** In lower case, without marks on letters, and with `saint`, `and` and `islands` written out. */
function plain(name: string): string {
  const letters = name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase().trim();
  return letters
    .replaceAll("&", " and ")
    .replaceAll("ı", "i")
    .replace(/^the /, "")
    .replaceAll(/\bst\b\.?/g, "saint")
    .replaceAll(/\bis\b\.?/g, "islands");
}

/** Letters and digits alone. */
function squeezed(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}]/gu, "");
}

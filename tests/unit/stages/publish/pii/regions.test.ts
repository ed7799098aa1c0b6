import { expect, test } from "vitest";
import { regionOf } from "../../../../../stages/publish/pii/regions.ts";

const NAMES = {
  BA: ["Bosnia and Herzegovina", "Bosnia & Herzegovina", "Bosnia"],
  BO: ["Bolivia", "Bolivia (Plurinational State of)", "Bolivia, Plurinational State of"],
  BN: ["Brunei", "Brunei Darussalam"],
  CD: [
    "DR Congo",
    "Democratic Republic of the Congo",
    "The Democratic Republic of the Congo",
    "Congo - Kinshasa",
    "Congo, The Democratic Republic of the",
  ],
  CG: ["Congo", "Congo Republic", "Republic of the Congo", "Congo - Brazzaville"],
  CI: ["Ivory Coast", "Côte d'Ivoire", "Cote d’Ivoire"],
  CV: ["Cabo Verde", "Cape Verde"],
  CW: ["Curaçao", "Curacao"],
  CZ: ["Czechia", "Czech Republic", "The Czech Republic"],
  DM: ["Dominica"],
  DO: ["Dominican Republic"],
  FM: ["Federated States of Micronesia", "Micronesia"],
  GB: ["United Kingdom", "UK", "Great Britain", "England", "GB", "GBR"],
  HK: ["Hong Kong", "Hong Kong SAR China", "hong kong"],
  IR: ["Iran", "Islamic Republic of Iran", "Iran, Islamic Republic of", "Iran (Islamic Republic of)"],
  JO: ["Hashemite Kingdom of Jordan", "Jordan"],
  KN: ["St Kitts and Nevis", "St. Kitts & Nevis", "Saint Kitts and Nevis"],
  KP: ["North Korea", "Democratic People's Republic of Korea"],
  KR: ["South Korea", "Republic of Korea", "Korea, Republic of", "Korea"],
  LA: ["Laos", "Lao People's Democratic Republic"],
  LT: ["Republic of Lithuania"],
  MD: ["Republic of Moldova", "Moldova"],
  MK: ["North Macedonia", "Macedonia"],
  MM: ["Myanmar", "Burma", "Myanmar (Burma)"],
  MO: ["Macao", "Macau", "Macao SAR China"],
  NL: ["The Netherlands", "Netherlands", "Holland"],
  PS: ["Palestine", "State of Palestine", "Palestinian Territories"],
  RE: ["Réunion", "Reunion"],
  RU: ["Russia", "Russian Federation"],
  SY: ["Syria", "Syrian Arab Republic"],
  SZ: ["Eswatini", "Swaziland"],
  TL: ["Timor-Leste", "East Timor"],
  TR: ["Turkey", "Türkiye", "TR"],
  TW: ["Taiwan", "Taiwan, Province of China"],
  TZ: ["Tanzania", "United Republic of Tanzania", "Tanzania, United Republic of"],
  US: ["United States", "USA", "U.S.A.", "The United States of America", "US"],
  VA: ["Vatican City", "Holy See"],
  VE: ["Venezuela", "Bolivarian Republic of Venezuela"],
  VI: ["U.S. Virgin Islands", "US Virgin Islands"],
  VN: ["Vietnam", "Viet Nam", "vn"],
  XK: ["Kosovo"],
};

test.each(Object.entries(NAMES))("%s is known by %j", (code, names) => {
  for (const name of names) expect([name, regionOf(name)]).toEqual([name, code]);
});

test("what is no country has no region", () => {
  for (const name of ["", "other", "Atlantis", "Republic of", "Korea Town"]) expect(regionOf(name)).toBeUndefined();
});

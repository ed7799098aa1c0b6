const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** A language by its English name, also where it is given by its code: `en` and `en-US` are English. */
export function languageName(language: string): string {
  if (!/^[a-z]{2,3}([-_][a-z0-9]+)*$/i.test(language)) return language;
  const [code = ""] = language.split(/[-_]/);
  return code === code.toLowerCase() ? (names.of(code) ?? language) : language;
}

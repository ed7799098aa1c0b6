import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RemoteError, UsageError } from "../../../../pipeline/errors.ts";
import { listHubFiles } from "../../../../pipeline/hub/download.ts";
import { hubNet, type Net } from "../../../../pipeline/hub/http.ts";
import { listRepository } from "../../../../pipeline/hub/listing.ts";

const TOKEN = "hf_Very5ecretTokenOfSomeone";
const HUB = "https://hub.test";
const source = { repo: "owner/chats", revision: "main" };
const OID = "0".repeat(40);
const SHA = "a".repeat(64);

type Page = { body: unknown; next?: string };
type Asked = { url: string; authorization: string | null };

/** A Hub that answers page after page, the last one for ever, and notes what it was asked. */
function hubOf(pages: readonly Page[], asked: Asked[] = []): Net {
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { body, next } = pages[Math.min(asked.length, pages.length - 1)] as Page;
    asked.push({ url: String(input), authorization: new Headers(init?.headers).get("authorization") });
    return new Response(JSON.stringify(body), { headers: next ? { link: `<${next}>; rel="next"` } : {} });
  };
  return hubNet({}, { hubUrl: HUB, token: TOKEN, fetch, tries: 2, sleep: async () => {} });
}

const file = (path: string, more: object = {}) => ({ type: "file", path, size: 3, oid: OID, ...more });
const good = [file("data/a.parquet"), { type: "directory", path: "data", size: 0, oid: OID }, file("README.md")];
const oneMore = (...entries: unknown[]): Page[] => [{ body: [...good, ...entries] }];

/** What a Hub that means harm, or is broken, may list; each is to be refused. */
const HOSTILE: Readonly<Record<string, Page[]>> = {
  "a file twice": oneMore(file("README.md")),
  "a file twice, on two pages": [{ body: good, next: `${HUB}/2` }, { body: [file("README.md")] }],
  "a next page that is itself": [
    { body: good, next: `${HUB}/api/datasets/owner/chats/tree/main?recursive=true&expand=false` },
  ],
  "a cycle of pages": [
    { body: [], next: `${HUB}/2` },
    { body: [], next: `${HUB}/3` },
    { body: [], next: `${HUB}/2` },
  ],
  "a negative size": oneMore(file("b", { size: -1 })),
  "a fractional size": oneMore(file("b", { size: 1.5 })),
  "a size of 2^60": oneMore(file("b", { size: 2 ** 60 })),
  "a size of 2^50": oneMore(file("b", { size: 2 ** 50 })),
  "a size as text": oneMore(file("b", { size: "3" })),
  "two sizes": oneMore(file("b", { lfs: { oid: SHA, size: 4 } })),
  "a name of 300 letters": oneMore(file("x".repeat(300))),
  "a name of 100 letters of three bytes": oneMore(file("語".repeat(100))),
  "a control character": oneMore(file("a\u001b[2Jb")),
  "half of a surrogate pair": oneMore(file("a\ud800b")),
  "the folder above": oneMore(file("../b")),
  "an absolute path": oneMore(file("/etc/passwd")),
  "the other slash": oneMore(file("a\\..\\b")),
  "names that differ in case": oneMore(file("readme.MD")),
  "names that differ in Unicode form": oneMore(file("\u00e9"), file("e\u0301")),
  "a file where a folder is": oneMore(file("x"), file("X/y")),
  "no hash": oneMore({ type: "file", path: "b", size: 3 }),
  "null as a file": oneMore(null),
  "an object for a list": [{ body: { error: "no" } }],
};

describe("a listing", () => {
  test.each(Object.entries(HOSTILE))("with %s is refused in words", async (_, pages) => {
    // Asked twice, so each time from the first page.
    const error = await listRepository(source, hubOf(pages))
      .then((files) => listHubFiles(source, depthsOf(files), hubOf(pages)))
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(RemoteError);
    expect(String(error)).toMatch(
      /^RemoteError: Dataset "owner\/chats" at revision "main": its listing cannot be used/,
    );
    expect(String(error).length).toBeLessThan(1000);
  });

  test("without end is given up", async () => {
    const asked: Asked[] = [];
    const net = hubOf([{ body: [] }], asked);
    const endless: typeof fetch = async (input, init) => {
      await net.fetch(input, init);
      return new Response("[]", { headers: { link: `<${HUB}/${asked.length}>; rel="next"` } });
    };
    await expect(listRepository(source, { ...net, fetch: endless })).rejects.toThrow("goes on after 1000 pages");
  });

  test("in one answer without end is given up", async () => {
    const blanks = new Uint8Array(2 ** 22).fill(0x20);
    const body = new ReadableStream({ pull: (controller) => controller.enqueue(blanks) });
    const net = { ...hubOf([]), fetch: async () => new Response(body) };
    await expect(listRepository(source, net)).rejects.toThrow("the answer goes on after 67108864 bytes");
  });

  test("sends the token to the Hub alone, wherever its pages are", async () => {
    const asked: Asked[] = [];
    await listRepository(source, hubOf([{ body: good, next: "https://elsewhere.test/2" }, { body: [] }], asked));
    expect(asked.map(({ authorization }) => authorization)).toEqual([`Bearer ${TOKEN}`, null]);
  });

  test("with names that clash is of use to who wants only one of them", async () => {
    const net = hubOf(oneMore(file("readme.MD"), file("x".repeat(300))));
    expect((await listHubFiles(source, ["README.md"], net)).map(({ path }) => path)).toEqual(["README.md"]);
  });

  test("drawn at random is taken whole and once, or refused in words", async () => {
    const odd = (...values: unknown[]) =>
      fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, fc.constantFrom(...values));
    const name = fc.oneof(
      fc.constantFrom("a", "A", "b", "..", "", ".", "é", "e\u0301", "x".repeat(241), "\u0000", "a\n", "\udfff"),
      fc.string({ maxLength: 4, unit: "binary" }),
    );
    const entry = fc
      .record({
        path: fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
        type: odd("directory", "unknown", null, 7),
        size: odd(-1, 0.5, 2 ** 60, 0, null, "3", Number.NaN),
        oid: odd("", "0", null, OID.toUpperCase().replace("0", "G")),
        lfs: odd({ oid: SHA, size: 3 }, { oid: SHA, size: 4 }, { oid: "b", size: 3 }, null, []),
      })
      .map(({ path, ...rest }) => {
        const own = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
        return file(path, own) as unknown;
      });
    const body = fc.oneof(
      { weight: 9, arbitrary: fc.array(entry, { maxLength: 3 }) as fc.Arbitrary<unknown> },
      fc.constantFrom<unknown>(null, {}, "x", 3, [null], [[]]),
    );
    const pages = fc.array(fc.record({ body, next: odd(`${HUB}/1`, `${HUB}/2`, "https://elsewhere.test/") }), {
      minLength: 1,
      maxLength: 3,
    });
    const outcomes = { taken: 0, refused: 0 };
    const property = fc.asyncProperty(pages, async (drawn) => {
      const net = () => hubOf(drawn.map(({ body, next }) => ({ body, ...(next ? { next: String(next) } : {}) })));
      try {
        const files = await listRepository(source, net());
        const chosen = await listHubFiles(source, depthsOf(files), net());
        expect(new Set(chosen.map(({ path }) => path.normalize("NFC").toLowerCase())).size).toBe(files.length);
        expect(chosen.every(({ path, bytes }) => (!path.split("/").includes("..") && bytes === 3) || bytes === 0)).toBe(
          true,
        );
        outcomes.taken += 1;
      } catch (error) {
        if (!(error instanceof RemoteError || error instanceof UsageError)) throw error;
        outcomes.refused += 1;
      }
    });
    await fc.assert(property, { numRuns: 100 });
    expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(10);
  });
});

/** Patterns that match every file of a listing, and no more patterns than that. */
function depthsOf(files: readonly { path: string }[]): string[] {
  return [...new Set(files.map(({ path }) => path.replace(/[^/]+/g, "*")))];
}

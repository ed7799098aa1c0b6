import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../stages/report/report.ts";
import { temporary } from "../helpers/folder.ts";
import { chromiumPath, openBrowser } from "./chromium.ts";
import { DEMO, flipturn, succeed } from "./flipturn.ts";

const PREFIX = "You are a user chatting with an assistant language model to";

/** What people could type to take over a page, or to hide what they typed. */
const NASTY = [
  "<script>window.taken = 1</script>",
  '</script><img src="x" onerror="window.taken = 2">',
  "<!-- <script>",
  '"><svg onload="window.taken = 3"></svg>',
  "line\u2028paragraph\u2029end",
  "\u202egnp.exe\u202c",
  "</style><style>*{display:none}</style>",
];

const row = (id: string, user: string, ...said: string[]) => ({
  ...{ id, user, country: "<b>Nowhere</b>" },
  messages: said.flatMap((content) => [
    { role: "user", content },
    { role: "assistant", content: `You said ${content}` },
  ]),
});

const alone = ["--executor", "in-process"];
const chat = ["run", ...alone, "--source", "chat", "--input", "log.jsonl"];

const folder = temporary();
const output = join(folder, "nasty");
const path = () => join(output, "report.html");

beforeAll(async () => {
  const rows = [
    row("1<script>", "a", ...NASTY),
    row("2", "b", "how are you", "bye"),
    row("3", "a", "hello"),
    row("4", "c", ""),
  ];
  writeFileSync(join(folder, "log.jsonl"), rows.map((each) => JSON.stringify(each)).join("\n"));
  const intents = rows.map(({ id }) => ({
    conversation_id: id,
    intent: `${PREFIX} </script><script>window.taken = 4</script>`,
  }));
  writeFileSync(join(folder, "intents.jsonl"), intents.map((each) => JSON.stringify(each)).join("\n"));
  const recorded = ["--seed", "3", "--intents", "recorded", "--recorded", "intents.jsonl"];
  await succeed([...chat, "--columns", "id=id,user=user,country=country", ...recorded, "--output", output], {
    cwd: folder,
  });
  await succeed(["report", "--output", output], { cwd: folder });
});

describe("flipturn report", () => {
  test("writes the same bytes for the same run, and names no path of the machine", async () => {
    const before = readFileSync(path(), "utf8");
    await succeed(["report", "--output", output, "--file", "again.html"], { cwd: folder });
    expect(readFileSync(join(folder, "again.html"), "utf8")).toBe(before);
    expect(before).not.toContain(folder);
  });

  test("has all that is on the page as JSON too", async () => {
    const { stdout } = await succeed(["report", "--output", output, "--json"], { cwd: folder });
    const report = JSON.parse(stdout) as Report;
    expect(report.funnel.map(({ stage }) => stage)).toContain("flip");
    expect(report.funnel.find(({ stage }) => stage === "prepare")?.rejected).toMatchObject([
      { reason: "no_user_text", count: 1 },
    ]);
    expect(report.turns.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(report.samples).toHaveLength(10);
    expect(report.samples.some(({ target }) => target === NASTY[0])).toBe(true);
    expect(report.published_counts).toEqual([]);
  });

  test("shows no worst intents of a run without intents", async () => {
    const without = ["--columns", "id=id,user=user", "--intents", "none", "--output", "without"];
    await succeed([...chat, ...without], { cwd: folder });
    const { stdout } = await succeed(["report", "--output", "without", "--json"], { cwd: folder });
    expect((JSON.parse(stdout) as Report).intents.worst).toEqual([]);
    await succeed(["report", "--output", "without"], { cwd: folder });
    const page = readFileSync(join(folder, "without", "report.html"), "utf8");
    expect(page).toContain("This run has no intents");
    expect(page).not.toContain("<h3>The worst");
  });

  test("refuses a run that is not finished, and names the stage", async () => {
    await succeed([...chat, "--intents", "none", "--to", "split", "--output", "half"], { cwd: folder });
    const { code, stderr } = await flipturn(["report", "--output", "half"], { cwd: folder });
    expect([code, stderr]).toEqual([4, expect.stringContaining("stage intents is not done")]);
  });

  test("shows every published count beside ours where there are any", async () => {
    await succeed(["demo", ...alone, "--output", "demo"], { cwd: folder });
    const { stdout } = await succeed(["report", "--output", "demo", "--json"], { cwd: folder });
    const { published_counts, templates, countries } = JSON.parse(stdout) as Report;
    const expected = JSON.parse(readFileSync(join(DEMO, "expected.json"), "utf8")) as Record<string, number>;
    expect(published_counts.find(({ count }) => count === "rows of the source")).toMatchObject({
      published: 837_989,
      ours: 152,
    });
    expect(templates.shown.map(({ matched }) => matched)).toEqual([24, 16]);
    expect(Object.keys(expected).length).toBeGreaterThan(0);
    expect(countries[0]?.country).toBe("United States");
    const known = countries.filter(({ country }) => country !== null);
    expect(published_counts.find(({ count }) => count === "countries")?.ours).toBe(known.length);
    expect(known.length).toBe(countries.length - 1);
  });
});

// Chromium is what CI installs; on a machine that has none these tests are skipped, and their names say so.
describe.skipIf(chromiumPath === undefined)("the page in Chromium (skipped where there is none)", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  /** Opens the page; `complaints` are errors of any kind and everything that it asked of a network. */
  async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
    const page = await (await browser.newContext(options)).newPage();
    page.setDefaultTimeout(10_000);
    const complaints: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => request.url() !== `file://${path()}` && complaints.push(request.url()));
    await page.goto(`file://${path()}`);
    return { page, complaints };
  }

  test("loads without an error and without asking for anything else", async () => {
    const { page, complaints } = await open();
    expect(await page.locator("section").count()).toBe(9);
    expect(await page.locator("figure svg").count()).toBeGreaterThan(4);
    expect(complaints).toEqual([]);
  });

  test("shows what people typed as text, which does nothing", async () => {
    const { page, complaints } = await open();
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    const shown = await page.locator("main").innerText();
    for (const typed of NASTY.slice(0, 4)) expect(shown).toContain(typed);
    for (const number of ["U+2028", "U+2029", "U+202E", "U+202C"]) expect(shown).toContain(number);
    expect(shown).toContain("<b>Nowhere</b>");
    expect(await page.evaluate("window.taken")).toBeUndefined();
    expect(await page.locator("main script, main img, main svg[onload], main :not(svg, defs) > style").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("would not run a script that got into it all the same", async () => {
    const { page, complaints } = await open();
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement("script"), { textContent: "window.taken = 5" }))`,
    );
    expect(await page.evaluate("window.taken")).toBeUndefined();
    expect(complaints.join()).toContain("Content Security Policy");
  });

  test("sorts a table by a click on a column's head, and the other way by a second", async () => {
    const { page } = await open();
    const funnel = page.locator("#funnel table");
    const column = () =>
      funnel
        .locator("tbody tr td:nth-child(3)")
        .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-by"))));
    const head = funnel.locator("th button").nth(2);
    await head.click();
    const down = await column();
    expect(down).toEqual([...down].sort((a, b) => b - a));
    await head.click();
    expect(await column()).toEqual([...down].sort((a, b) => a - b));
    expect(await funnel.locator("th").nth(2).getAttribute("aria-sort")).toBe("ascending");
  });

  test("opens a sample by a click, its target marked", async () => {
    const { page } = await open();
    const closed = page.locator("details.sample:not([open])").first();
    const id = await closed.locator("code").first().textContent();
    const sample = page.locator("details.sample", { hasText: id ?? "" });
    expect(await sample.locator(".target").isVisible()).toBe(false);
    await sample.locator("summary").click();
    expect(await sample.locator(".target").isVisible()).toBe(true);
  });

  test("is dark where the reader's screen is, and fits a phone", async () => {
    const background = (page: Page) => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const [light, dark] = [await open({ colorScheme: "light" }), await open({ colorScheme: "dark" })];
    expect(await background(light.page)).toBe("rgb(250, 249, 246)");
    expect(await background(dark.page)).toBe("rgb(19, 20, 23)");
    const fill = "getComputedStyle(document.querySelector('#funnel svg path[fill^=var]')).fill";
    expect(await light.page.evaluate(fill)).not.toBe(await dark.page.evaluate(fill));
    const phone = await open({ viewport: { width: 390, height: 844 } });
    expect(await phone.page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  });

  test("has no table that is wider than a sheet of paper", async () => {
    const { page } = await open({ viewport: { width: 700, height: 990 } });
    await page.emulateMedia({ media: "print" });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    const wider =
      "[...document.querySelectorAll('table')].filter((each) => each.scrollWidth > each.parentElement.clientWidth).map((each) => each.innerText)";
    expect(await page.evaluate(wider)).toEqual([]);
  });

  test("is printed with everything open, and closed again afterwards", async () => {
    const { page } = await open();
    const closed = () => page.locator("details:not([open])").count();
    const before = await closed();
    expect(before).toBeGreaterThan(0);
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await closed()).toBe(0);
    await page.evaluate("dispatchEvent(new Event('afterprint'))");
    expect(await closed()).toBe(before);
    expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(10_000);
  });
});

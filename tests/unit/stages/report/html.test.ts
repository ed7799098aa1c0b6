import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brief, counted, measured, table, text } from "../../../../stages/report/html.ts";
import { texts } from "../../../helpers/texts.ts";

describe("text in a report", () => {
  test("is shown to the letter and is never markup", () => {
    expect(text(`</script><!--<img src=x onerror="a('b')">&amp;`)).toBe(
      "&lt;/script&gt;&lt;!--&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;amp;",
    );
  });

  test("shows by number what nobody could see, or what would turn its neighbours round", () => {
    expect(text("a\u2028b\u202ec\0d\u{e0041}")).toBe(
      ["a", "U+2028", "b", "U+202E", "c", "U+0000", "d", "U+E0041"]
        .map((each) => (each.startsWith("U+") ? `<span class="unseen">${each}</span>` : each))
        .join(""),
    );
  });

  test("keeps tabs, newlines, right-to-left letters, emoji and the joiners inside them", () => {
    for (const kept of ["a\tb\nc", "שלום مرحبا", "👩‍👩‍👧", "می‌خواهم"]) expect(text(kept)).toBe(kept);
  });

  test("never holds a markup character of its own, whatever was typed", () => {
    fc.assert(
      fc.property(texts, (value) => {
        const html = text(value).replaceAll(/<span class="unseen">U\+[0-9A-F]{4,6}<\/span>/g, "");
        expect(html).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
      }),
    );
  });

  test("is cut with a word about how much is left out, never inside a character", () => {
    expect(brief("abc", 3)).toBe("abc");
    expect(brief("x".repeat(50), 10)).toBe('xxxxxxxxxx<span class="cut">… 40 more characters</span>');
    expect(brief(`${"x".repeat(9)}😀${"y".repeat(50)}`, 10)).not.toContain("\ud83d<");
  });
});

describe("a table", () => {
  test("tells what its numbers are sorted by, apart from how they look", () => {
    const html = table(
      ["a", "b"],
      [
        ["x", counted(1200)],
        ["y", measured(null)],
      ],
    );
    expect(html).toContain('<td class="number" data-by="1200">1,200</td>');
    expect(html).toContain('<td class="number" data-by="-1">–</td>');
  });
});

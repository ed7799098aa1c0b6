import { secretLintProfiler } from "@secretlint/profiler";
import { describe, expect, test } from "vitest";
import { findPii } from "../../../../../stages/publish/pii/find-pii.ts";

const kinds = async (text: string) => (await findPii(text)).map(({ kind, text: found }) => `${kind}: ${found}`);

/** Made up so that no scanner of repositories takes it for a real one. */
const GITHUB = `ghp_${"a1B2c3D4e5F6".repeat(3)}`;

describe("personal data", () => {
  test.each([
    ["write to jane.doe@wolkenbank.org please", "email: jane.doe@wolkenbank.org"],
    ["<a+b@mail.wolkenbank.co.uk>", "email: a+b@mail.wolkenbank.co.uk"],
    ["call +44 20 7946 0958 now", "phone: +44 20 7946 0958"],
    ["my number is (202) 555-0143", "phone: (202) 555-0143"],
    ["ring 202.555.0187", "phone: 202.555.0187"],
    ["+49 30 901820", "phone: +49 30 901820"],
    ["card 4111 1111 1111 1111 exp 12/27", "card: 4111 1111 1111 1111"],
    ["amex 378282246310005", "card: 378282246310005"],
    [`token ${GITHUB} leaked`, `key: ${GITHUB}`],
    [`密钥是${GITHUB}谢谢`, `key: ${GITHUB}`],
    ["4111 1111  1111\n1111", "card: 4111 1111  1111\n1111"],
    ["4111.1111.1111.1111", "card: 4111.1111.1111.1111"],
    ["４１１１ １１１１ １１１１ １１１１", "card: ４１１１ １１１１ １１１１ １１１１"],
    ["+۹۸ ۲۱ ۸۸۷۷ ۵۵۶۶", "phone: +۹۸ ۲۱ ۸۸۷۷ ۵۵۶۶"],
    ["mailto:jane@wolkenbank.org?subject=x", "email: jane@wolkenbank.org"],
    ["https://example.com/?u=jane@wolkenbank.org&z=1", "email: jane@wolkenbank.org"],
    ["我的邮箱是zhang.wei@qq.com谢谢", "email: zhang.wei@qq.com"],
    ["'jane@wolkenbank.org'", "email: jane@wolkenbank.org"],
    ["o'brien@wolkenbank.ie", "email: o'brien@wolkenbank.ie"],
    [`aws_secret_access_key = ${"wJalrXUtnF".repeat(4)}`, `key: aws_secret_access_key = ${"wJalrXUtnF".repeat(4)}`],
    [`id AKIA${"QWERTYUIOPASDF12"}.`, `key: AKIA${"QWERTYUIOPASDF12"}`],
    [`AIza${"aB3_-".repeat(7)}`, `key: AIza${"aB3_-".repeat(7)}`],
    [`sk-proj-${"aB3_".repeat(12)}`, `key: sk-proj-${"aB3_".repeat(12)}`],
  ])("in %j is found to the letter", async (text, expected) => {
    expect(await kinds(text)).toEqual([expected]);
  });

  test.each([
    ["13800138000", "China"],
    ["030 901820", "Germany"],
    ["01 42 68 53 00", "France"],
    ["06 12 34 56 78", "The Netherlands"],
    ["98765 43210", "India"],
    ["(202) 555-0143", "France"],
  ])("%j is a number to call for somebody in %s", async (number, country) => {
    expect(await findPii(`call ${number} now`, country)).toEqual([{ kind: "phone", text: number }]);
  });

  test.each([
    ["2021-08-15", "Algeria"],
    ["(28.5861474, 77.3421320, 10)", "Egypt"],
    ["network_id: '11155111'", "Croatia"],
    ["allocate 493984768 bytes", "Australia"],
  ])("%j is none, not even in %s", async (text, country) => {
    expect(await findPii(text, country)).toEqual([]);
  });

  test.each([
    "section 4.1.1.1 of version 10.0.19045.3803",
    "ISBN 978-3-16-148410-0, published 2020-01-15",
    "the sum 1234567890123456 is large",
    "x = 3.14159265358979; y = 2.71828182845905",
    "from 1990-2005 it was 12,345,678",
    "logged at 2023-04-15 06:14:07",
    "count: 1 2 3 4 5 6 7 8 9 10",
    "@types/node @media screen",
    "id 00183ce586b46292f6b4282fd808c426",
    "",
  ])("is not seen in %j", async (text) => {
    expect(await kinds(text)).toEqual([]);
  });

  test("of several kinds, one in the other, is what was found first as a whole", async () => {
    expect(await kinds("https://a.io/?access_token=jane@wolkenbank.org1")).toEqual(["key: jane@wolkenbank.org1"]);
    expect(await kinds("IBAN GB82 WEST 1234 5698 7654 32")).toEqual(["iban: GB82 WEST 1234 5698 7654 32"]);
  });

  test("of several kinds comes in the order of the text, each once", async () => {
    expect(await kinds("a@b.io or 202-555-0143, then 4111111111111111")).toEqual([
      ...["email: a@b.io", "phone: 202-555-0143", "card: 4111111111111111"],
    ]);
  });

  test("is sought without a trace that grows with every text", async () => {
    await findPii(`token ${GITHUB} leaked`);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await secretLintProfiler.getEntries()).toEqual([]);
  });

  test("is sought in long runs of what could begin one, which no expression goes through again and again", async () => {
    for (const part of [
      "9",
      "1 ",
      "a@",
      "x",
      "eyJ-",
      "eyJeyJ12.",
      "sk-proj-",
      "1111-",
      "漢@a.b ",
      "'a@",
      "0044",
      "a:",
      "GB82 ",
      "tel ",
      "?token=",
    ])
      await findPii(part.repeat(10_000 / part.length));
  });
});

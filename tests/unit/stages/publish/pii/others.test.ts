import { expect, test } from "vitest";
import { emails } from "../../../../../stages/publish/pii/emails.ts";
import type { Find } from "../../../../../stages/publish/pii/find.ts";
import { ipAddresses } from "../../../../../stages/publish/pii/ip-addresses.ts";
import { keys } from "../../../../../stages/publish/pii/keys.ts";
import { accounts, cards, socialSecurityNumbers } from "../../../../../stages/publish/pii/numbers.ts";

const shown = (text: string, found: readonly Find[]) => found.map(({ start, end }) => text.slice(start, end));
/** Put together here, so that no scanner of repositories takes it for a real one. */
const joined = (...parts: string[]) => parts.join("");

test.each([
  ["at 81.2.69.142, and [3ffe::4a21]:443", ["81.2.69.142", "3ffe::4a21"]],
  [
    "3ffe:b00:c18:1::10: no route, 3ffe::, 3ffe:831f:4004:1953:84a:eaff:fe3b:18f2.",
    ["3ffe:b00:c18:1::10", "3ffe::", "3ffe:831f:4004:1953:84a:eaff:fe3b:18f2"],
  ],
  ["http://81.2.69.142/x 81.2.69.142:80 81.2.69.142.", ["81.2.69.142", "81.2.69.142", "81.2.69.142"]],
  ["version 81.2.69.142, v81.2.69.142, foo==81.2.69.142, Chrome/81.2.69.142, 1.81.2.69.142, 81.2.69.142-rc1", []],
  ["10.20.30.40 172.31.0.99 192.168.0.99 127.0.0.99 203.0.113.9 255.255.255.0 8.8.8.8 1.2.3.4 300.1.1.1", []],
  ["2001:db8::99 fe80::99 ::1 12:34:56 a::b std::x", []],
])("of computers in %j these may be somebody's: %j", (text, expected) => {
  expect(shown(text, ipAddresses(text))).toEqual(expected);
});

test.each([
  ["DE89 3704 0044 0532 0130 00 and de89370400440532013000", ["DE89 3704 0044 0532 0130 00", "de89370400440532013000"]],
  ["GB82WEST12345698765432 2024", ["GB82WEST12345698765432"]],
  ["DE89 3704 0044 0532 0130 01, ZZ89370400440532013000", []],
])("accounts in %j: %j", (text, expected) => expect(shown(text, accounts(text))).toEqual(expected));

test.each([
  ["536-22-7184", ["536-22-7184"]],
  ["SSN 536 22 7184; social security: 536227184", ["536 22 7184", "536227184"]],
  ["536 22 7184, 123-45-6789, 000-12-3456, 536-00-7184, 1536-22-7184, 536-22-71845", []],
])("social security numbers in %j: %j", (text, expected) =>
  expect(shown(text, socialSecurityNumbers(text))).toEqual(expected),
);

test("the number of an article is no card, though cards begin so", () => {
  expect(cards("5018374350107 5000159461122 4901234567894")).toEqual([]);
});

test("nobody has mail at hosts for examples, and `%40` is an at sign", () => {
  const text = "a@example.com b@x.example.org user@localhost git@github.com you@yourdomain.com";
  expect(emails(text)).toEqual([]);
  const encoded = "https://x.io/?m=a.b%40wolkenbank.org&z";
  expect(shown(encoded, emails(encoded))).toEqual(["a.b%40wolkenbank.org"]);
  const marked = "jörg.müller@wolkenbank.de";
  expect(shown(marked, emails(marked))).toEqual([marked]);
});

test.each([joined("a", "1b2C3d4E5f6")])("a parameter that is named like a secret holds one: %s", async (secret) => {
  for (const name of [
    "access_token",
    "api_key",
    "apikey",
    "key",
    "sig",
    "X-Amz-Signature",
    "client_secret",
    "password",
  ]) {
    const text = `https://a.io/x?y=1&${name}=${secret}&z=2`;
    expect([name, shown(text, await keys(text))]).toEqual([name, [secret]]);
  }
});

test.each([
  joined("6712345098", ":AAH", "k3Lq9ZxT7vBnM2wPdRs5YcUe8JgFa1oT"),
  joined("MTAxNDU2Nzg5MDEyMzQ1Njc4", "OQ.GhT2kQ.", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC"),
  joined("xoxb-", "2847563920184-3847561029384-", "Ab3dEf5hIj7lMn9pQr1tUv3x"),
])("the token of a bot is found: %s", async (token) => {
  expect(new Set(shown(`x "${token}" y`, await keys(`x "${token}" y`)))).toEqual(new Set([token]));
});

test.each([
  "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
  "xoxb-your-token-here",
  joined("AKIA", "IOSFODNN7EXAMPLE"),
  "?access_token=YOUR_ACCESS_TOKEN1&token={token12345}&api_key=<key12345>&auth=$TOKEN1234",
  "postgres://user:password@localhost:5432/db",
  "?page_token=next&key=12345678",
])("what stands where a key should be is none: %s", async (text) => {
  expect(await keys(text)).toEqual([]);
});

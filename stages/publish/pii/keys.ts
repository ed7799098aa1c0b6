import { lintSource } from "@secretlint/core";
import { secretLintProfiler } from "@secretlint/profiler";
import { creator as keyRules } from "@secretlint/secretlint-rule-preset-recommend";
import { type Find, findsOf } from "./find.ts";

/** Keys are long runs without a space, or begin like a private key. */
const MAYBE_KEY = /[\w+/=-]{16}|PRIVATE KEY|:\/\/[^\s/]*@/;

// It keeps a mark of every step of every search and looks through all of them at each: time that grows with the square.
secretLintProfiler.mark = () => {};

const KEY_CONFIG = { rules: [{ id: "@secretlint/secretlint-rule-preset-recommend", rule: keyRules }] };

/**
 * Forms of keys that the library's recommended rules leave out: ids at AWS, Google, Stripe, OpenAI, JSON Web Tokens, and
 * what bots of Slack, Telegram and Discord sign in with.
 */
const MORE_KEYS =
  /(?<![\w-])(?:(?:AKIA|ASIA)[0-9A-Z]{16}\b|AIza[\w-]{35}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}|sk-(?:proj|svcacct|admin)-[\w-]{40,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|xox[abeoprs]-(?:\d{1,20}-){1,4}[0-9A-Za-z]{16,}|\d{8,10}:AA[\w-]{33}(?![\w-])|[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,45})/g;

/** What the address of a page or a request gives away: a parameter that is named like a secret, a hook, a bearer's token. */
const IN_ADDRESSES =
  /[?&#;](?:[\w.-]{0,40}(?:token|secret|signature|passw(?:or)?d|pwd|session_?id)|[\w.-]{0,40}api_?-?key|sig|key|auth)=(?<it>[^\s&#"'<>()[\]{}|\\^`]{8,})|discord(?:app)?\.com\/api\/webhooks\/(?<hook>\d{15,20}\/[\w-]{50,})|\bBearer (?<bearer>[\w.~+/-]{20,}=*)/gi;

/** Up to here a key goes on: the library counts its length from where the name before it begins. */
const REST = /[\w+/=.-]*/y;

/** Keys of services, passwords in addresses, and private keys, but for what stands where one should be. */
export async function keys(words: string): Promise<Find[]> {
  // Keys are ASCII; a letter of another script beside one would hide it.
  const text = words.replaceAll(/[\u0080-\uffff]/g, " ");
  const found = [...inAddresses(text), ...(MAYBE_KEY.test(text) ? await ofServices(text) : [])];
  return found.filter(({ start, end }) => !isPlaceholder(text.slice(start, end)));
}

async function ofServices(text: string): Promise<Find[]> {
  const source = { content: text, filePath: "text.txt", ext: ".txt", contentType: "text" as const };
  const { messages } = await lintSource({ source, options: { config: KEY_CONFIG } });
  const told = messages.map(({ range: [start, end] }): Find => {
    REST.lastIndex = end;
    return { kind: "key", start, end: end + (REST.exec(text)?.[0].length ?? 0) };
  });
  return [...told, ...findsOf("key", text, MORE_KEYS)];
}

/** Only what has letters and digits: words are names of parameters, numbers are pages. */
function inAddresses(text: string): Find[] {
  return [...text.matchAll(IN_ADDRESSES)].flatMap(({ 0: all, index, groups }) => {
    const secret = groups?.["it"] ?? groups?.["hook"] ?? groups?.["bearer"] ?? "";
    const end = index + all.length;
    return /\d/.test(secret) && /[a-z]/i.test(secret) ? [{ kind: "key", start: end - secret.length, end }] : [];
  });
}

/** True for what documentation writes in place of a key. */
function isPlaceholder(key: string): boolean {
  return (
    /^[$%]|x{4}|\*{3}|\.{3}|\bx+\b|your|example|placeholder|change_?me|:(?:pass|password|secret|postgres|root|admin|example)@/i.test(
      key,
    ) || new Set(key).size < 6
  );
}

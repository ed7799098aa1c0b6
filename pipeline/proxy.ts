/**
 * Proxies as the environment names them: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in either case, the lower one
 * first, as curl reads them. Unlike curl, and like Go and browsers, nothing of this machine itself goes through a proxy.
 */
import { BlockList, isIP } from "node:net";
import { systemCode, UsageError } from "./errors.ts";

/** Variables of the environment. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** A proxy: its address, and how messages call it, without its password. */
export interface NamedProxy {
  readonly url: URL;
  readonly name: string;
}

/** Protocols of proxies. */
export const KINDS = /^(https?|socks5?):$/;

/** The proxy for an address; null = it is reached directly. Throws UsageError for a variable that names no proxy. */
export function proxyFor(address: string, env: Variables): NamedProxy | null {
  const { protocol, hostname, port } = new URL(address);
  const bare = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const found = variable(env, `${protocol.slice(0, -1)}_proxy`) ?? variable(env, "all_proxy");
  if (!found?.value || isHere(bare) || isExcepted(bare, port || (protocol === "https:" ? "443" : "80"), env))
    return null;
  const { name, value } = found;
  const text = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !KINDS.test(url.protocol) || url.hostname === "")
    throw new UsageError(`${name} is not the address of a proxy, such as http://proxy.example.com:3128`);
  return { url, name: `${url.protocol}//${url.host} (${name})` };
}

function variable(env: Variables, name: string): { name: string; value: string } | null {
  const set = [name, name.toUpperCase()].find((each) => env[each] !== undefined);
  return set === undefined ? null : { name: set, value: env[set]?.trim() ?? "" };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

function isHere(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || isIn(LOOPBACK, host);
}

function isIn(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 6 ? "ipv6" : "ipv4");
}

/** True if NO_PROXY names a host: itself, a domain above it, its port too where one is told, a range of addresses, or all. */
function isExcepted(host: string, port: string, env: Variables): boolean {
  const named = (variable(env, "no_proxy")?.value ?? "").toLowerCase().split(/[\s,]+/);
  return named.filter(Boolean).some((each) => {
    if (each === "*") return true;
    const range = /^([\da-f.:]+)\/(\d+)$/.exec(each);
    if (range) return isInRange(host, range[1] ?? "", Number(range[2]));
    const [, name = "", only] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(isIP(each) === 6 ? `[${each}]` : each) ?? [];
    if (only !== undefined && only !== port) return false;
    const domain = name.replace(/^\*?\./, "");
    return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
  });
}

function isInRange(host: string, start: string, bits: number): boolean {
  const version = isIP(start);
  if (version === 0 || bits > (version === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(start, bits, version === 6 ? "ipv6" : "ipv4");
  return isIn(list, host);
}

/** True if any variable may name a proxy. */
export function hasProxy(env: Variables): boolean {
  return ["http_proxy", "https_proxy", "all_proxy"].some((name) => variable(env, name)?.value);
}

/** A failure on the way through a proxy. `isRefused`: the proxy itself said no, so that nothing has gone further. */
export class ProxyProblem extends Error {
  readonly code: string | undefined;
  readonly isRefused: boolean;
  constructor(message: string, { code, isRefused }: { code: string | undefined; isRefused: boolean }) {
    super(message);
    this.code = code;
    this.isRefused = isRefused;
  }
}

/** What a failure means that came from a proxy, or on the way through it. */
export function proxyProblem(error: unknown, proxy: NamedProxy): Error {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  const said = /Proxy (?:response|Authentication Required) \((\d+)\)/.exec(
    root instanceof Error ? root.message : "",
  )?.[1];
  if (said === "407") return wantsLogin(proxy);
  if (said === "403" || said === "401" || said === "405")
    return new UsageError(
      `the proxy ${proxy.name} refuses the connection (HTTP ${said}); NO_PROXY names hosts that need none`,
    );
  const code = systemCode(error);
  const why = said ? `HTTP ${said}` : (code ?? (root instanceof Error ? root.message : String(root)));
  return new ProxyProblem(`${why} through the proxy ${proxy.name}`, { code, isRefused: said !== undefined });
}

/** That a proxy knows the user not, or not by this password. */
function wantsLogin({ name, url }: NamedProxy): UsageError {
  const found = url.username === "" ? "none is given" : "it refuses the ones given";
  return new UsageError(
    `the proxy ${name} wants a user name and password (HTTP 407), and ${found}: expected http://<user>:<password>@<host>:<port> in the variable, other characters than letters and digits as %XX`,
  );
}

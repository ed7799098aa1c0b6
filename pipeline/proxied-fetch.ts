import { hasProxy, type Variables } from "./proxy.ts";

/** The real `fetch`, through the proxies of the environment where it names any; another is left as it is. */
export function proxied(send: typeof fetch, env: Variables): typeof fetch {
  if (send !== globalThis.fetch || !hasProxy(env)) return send;
  // Loaded where it is needed: it takes a tenth of a second.
  const loaded = import("./proxy-connections.ts").then(({ fetchThrough }) => fetchThrough(env));
  const through: typeof fetch = async (input, init) => (await loaded)(input, init);
  // What sends forms asks which `Response` reads them.
  return Object.assign(through, { Response });
}

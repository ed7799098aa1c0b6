/** Connections through the proxies of the environment: what has undici in it, which takes a while to load. */
import { Agent, type Dispatcher, FormData as OwnFormData, Pool, ProxyAgent, fetch as undiciFetch } from "undici";
import { UsageError } from "./errors.ts";
import { KINDS, type NamedProxy, proxyFor, proxyProblem, type Variables } from "./proxy.ts";

/** Connections to any address, each directly or through its proxy. */
export function connectionsBy(env: Variables, limits: Pool.Options = {}): Agent {
  const pool = (origin: string | URL, more?: object) => new Pool(origin, { ...more, ...limits });
  return new Agent({
    ...limits,
    factory: (origin) => {
      const proxy = proxyFor(String(origin), env);
      return proxy === null ? pool(origin) : throughProxy(proxy, limits, pool);
    },
  });
}

function throughProxy(
  { url }: NamedProxy,
  limits: Pool.Options,
  factory: (origin: string | URL, more?: object) => Dispatcher,
): ProxyAgent {
  const { username, password } = url;
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  const bare = new URL(url);
  if (KINDS.exec(url.protocol)?.[1]?.startsWith("http")) [bare.username, bare.password] = ["", ""];
  return new ProxyAgent({
    ...limits,
    uri: bare.href,
    // As curl: a tunnel for https alone, since many proxies refuse one to other ports than 443.
    proxyTunnel: false,
    factory,
    // A tunnel that is not dug in a minute is none; what waits for it cannot be left before.
    clientFactory: (origin, more) => new Pool(origin, { ...more, headersTimeout: LONGEST_DIG_MS }),
    ...(username !== "" && url.protocol.startsWith("http") && { token: `Basic ${login}` }),
  });
}

const LONGEST_DIG_MS = 60_000;

/** `fetch` through the proxies of an environment. */
export function fetchThrough(env: Variables): typeof fetch {
  const dispatcher = connectionsBy(env);
  // Node's own `fetch` takes no connections of another version of undici; that of the package takes no forms of Node's.
  const own = undiciFetch as unknown as (input: unknown, init: object) => Promise<Response>;
  return async (input, init = {}) => {
    const proxy = proxyFor(String(input), env);
    const body = init.body instanceof FormData ? ownForm(init.body) : init.body;
    return own(input, { ...init, body, dispatcher }).catch((cause) => {
      const problem = proxy === null || init.signal?.aborted ? cause : proxyProblem(cause, proxy);
      throw problem === cause || problem instanceof UsageError
        ? problem
        : new TypeError("fetch failed", { cause: problem });
    });
  };
}

function ownForm(form: FormData): OwnFormData {
  const own = new OwnFormData();
  for (const [name, value] of form as unknown as Iterable<[string, string]>) own.append(name, value);
  return own;
}

import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { realEnvironment } from "../../../pipeline/environment.ts";
import { UsageError } from "../../../pipeline/errors.ts";
import { hubNet } from "../../../pipeline/hub/http.ts";
import { Client, openaiClient } from "../../../pipeline/models/client.ts";
import { proxied } from "../../../pipeline/proxied-fetch.ts";
import { proxyFor } from "../../../pipeline/proxy.ts";
import { type ProxyServer, startProxy } from "../../servers/proxy.ts";

describe("the proxy for an address", () => {
  const P = "http://p:3128";
  test.each<[string, Record<string, string>, string | null]>([
    ["http://a.example/", {}, null],
    ["http://a.example/", { http_proxy: P }, "http://p:3128 (http_proxy)"],
    ["http://a.example/", { HTTP_PROXY: "p:3128" }, "http://p:3128 (HTTP_PROXY)"],
    ["http://a.example/", { http_proxy: P, HTTP_PROXY: "http://q:1" }, "http://p:3128 (http_proxy)"],
    ["http://a.example/", { http_proxy: "", ALL_PROXY: P }, null],
    ["https://a.example/", { http_proxy: P }, null],
    ["https://a.example/", { https_proxy: "https://p" }, "https://p (https_proxy)"],
    ["https://a.example/", { ALL_PROXY: "socks5://p:1080" }, "socks5://p:1080 (ALL_PROXY)"],
    ["http://a.example/", { http_proxy: "http://ann:s3cret@p:3128" }, "http://p:3128 (http_proxy)"],
    ["http://localhost:8000/v1", { http_proxy: P }, null],
    ["http://127.1.2.3/", { http_proxy: P }, null],
    ["http://[::1]:8000/", { http_proxy: P }, null],
    ["http://a.example/", { http_proxy: P, NO_PROXY: "*" }, null],
    ["http://a.example/", { http_proxy: P, NO_PROXY: "b.example, a.example" }, null],
    ["http://sub.a.example/", { http_proxy: P, no_proxy: "a.example" }, null],
    ["http://sub.a.example/", { http_proxy: P, no_proxy: ".a.example" }, null],
    ["http://sub.a.example/", { http_proxy: P, no_proxy: "*.a.example" }, null],
    ["http://nota.example/", { http_proxy: P, no_proxy: "a.example" }, "http://p:3128 (http_proxy)"],
    ["http://a.example:8000/", { http_proxy: P, no_proxy: "a.example:8000" }, null],
    ["http://a.example/", { http_proxy: P, no_proxy: "a.example:8000" }, "http://p:3128 (http_proxy)"],
    ["http://10.1.2.3/", { http_proxy: P, no_proxy: "10.0.0.0/8" }, null],
    ["http://11.1.2.3/", { http_proxy: P, no_proxy: "10.0.0.0/8 fd00::/8" }, "http://p:3128 (http_proxy)"],
    ["http://[fd00::1]/", { http_proxy: P, no_proxy: "fd00::1" }, null],
    ["http://A.Example/", { http_proxy: P, no_proxy: "a.EXAMPLE" }, null],
  ])("%s with %j", (address, env, name) => {
    expect(proxyFor(address, env)?.name ?? null).toBe(name);
  });

  test.each(["ftp://p", "http://", "://"])("is refused as %j, by the variable's name alone", (value) => {
    expect(() => proxyFor("http://a.example", { HTTP_PROXY: value })).toThrow(
      /^HTTP_PROXY is not the address of a proxy, such as http:\/\/proxy.example.com:3128$/,
    );
  });
});

describe("through a proxy", () => {
  let proxy: ProxyServer;
  const got: string[] = [];
  const target = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      got.push(`${request.method} ${request.headers.host} ${request.url} ${text.length > 0}`);
      const message = { content: "hello" };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ id: "file-1", choices: [{ message, finish_reason: "stop" }] }));
    });
  });
  const envOf = (login = "") => ({
    http_proxy: `http://${login}127.0.0.1:${proxy.port}`,
    https_proxy: `http://${login}127.0.0.1:${proxy.port}`,
    OPENAI_API_KEY: "sk-x",
  });
  const model = (env: NodeJS.ProcessEnv, baseUrl = "http://llm.invalid:8000/v1", timeoutSeconds = 20) =>
    new Client({ baseUrl, concurrency: 2, timeoutSeconds }, realEnvironment({ env }));
  const ask = async (...about: Parameters<typeof model>) => {
    const client = model(...about);
    const got = await client.send({ model: "m", messages: [{ role: "user", content: "hi" }] });
    await client.close();
    return got;
  };

  beforeAll(async () => {
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    proxy = await startProxy(() => (target.address() as AddressInfo).port);
  });
  afterAll(async () => {
    target.close();
    await proxy.close();
  });
  beforeEach(() => {
    proxy.manner = "open";
    proxy.seen.length = 0;
    got.length = 0;
  });

  test("a language model is asked by its whole address, without a tunnel", async () => {
    expect(await ask(envOf())).toMatchObject({ kind: "answer", answer: { text: "hello" } });
    expect(proxy.seen).toEqual(["POST http://llm.invalid:8000/v1/chat/completions"]);
    expect(got).toEqual(["POST llm.invalid:8000 /v1/chat/completions true"]);
  });

  test("a login is given, and asked for in words, without the password", async () => {
    proxy.manner = "login";
    expect(await ask(envOf("ann:s3cret@"))).toMatchObject({ kind: "answer" });
    for (const [login, words] of [
      ["", /wants a user name and password \(HTTP 407\), and none is given/],
      ["ann:wr0ng@", /HTTP 407\), and it refuses the ones given/],
    ] as const)
      for (const address of ["http://llm.invalid:8000/v1", "https://llm.invalid/v1"]) {
        const got = await ask(envOf(login), address);
        expect(got).toMatchObject({ kind: "stop", error: { message: expect.stringMatching(words) } });
        expect(JSON.stringify(got, Object.getOwnPropertyNames((got as { error: Error }).error))).not.toContain("wr0ng");
      }
  });

  test.each([
    ["https://llm.invalid/v1", 502, { kind: "again", why: /HTTP 502 through the proxy http:\/\/127/ }],
    ["https://llm.invalid/v1", 403, { kind: "stop", why: /refuses the connection \(HTTP 403\); NO_PROXY/ }],
    ["http://llm.invalid/v1", 503, { kind: "again", why: /HTTP 503/ }],
  ])("%s refused with %i says so", async (address, status, { kind, why }) => {
    proxy.manner = status;
    const got = await ask(envOf(), address);
    expect([got.kind, "why" in got ? got.why : (got as { error: Error }).error.message]).toEqual([
      ...[kind, expect.stringMatching(why)],
    ]);
  });

  test.each(["http://llm.invalid/v1", "https://llm.invalid/v1"])(
    "%s that hangs ends at the time limit",
    async (address) => {
      proxy.manner = "hang";
      expect(await ask(envOf(), address, 0.2)).toMatchObject({
        why: expect.stringMatching(
          /^no answer within 0.2 s through the proxy http:\/\/127.0.0.1:\d+ \(https?_proxy\)$/,
        ),
      });
    },
  );

  test("a proxy that is not there is named", async () => {
    const env = { http_proxy: "http://ann:s3cret@127.0.0.1:9", OPENAI_API_KEY: "sk-x" };
    expect(await ask(env)).toEqual({
      kind: "down",
      why: "ECONNREFUSED through the proxy http://127.0.0.1:9 (http_proxy)",
    });
  });

  test("files of batches are sent whole", async () => {
    const client = openaiClient({ baseUrl: "http://llm.invalid/v1" }, realEnvironment({ env: envOf() }));
    const file = new File(["{}\n"], "requests.jsonl");
    expect((await client.files.create({ file, purpose: "batch" })).id).toBe("file-1");
    expect(got).toEqual(["POST llm.invalid /v1/files true"]);
  });

  test("the Hub is asked too, by a tunnel where it is https", async () => {
    const net = hubNet({ ...envOf(), HF_ENDPOINT: "http://hub.invalid" });
    expect(await (await net.fetch("http://hub.invalid/api/x")).json()).toMatchObject({ id: "file-1" });
    proxy.manner = 407;
    await expect(net.fetch("https://hub.invalid/api/x")).rejects.toThrow(UsageError);
    expect(proxy.seen).toEqual(["GET http://hub.invalid/api/x", "CONNECT hub.invalid:443"]);
  });

  test("a server is reached by a SOCKS5 proxy, which is told its name", async () => {
    const asked: string[] = [];
    // No login is wanted; then the name that is asked for, for which the target stands.
    const socks = createTcpServer((client) => {
      client.once("data", () => {
        client.write(Buffer.from([5, 0]));
        client.once("data", (request: Buffer) => {
          asked.push(request.subarray(5, 5 + (request[4] ?? 0)).toString());
          const onward = connect((target.address() as AddressInfo).port, "127.0.0.1", () => {
            client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
            client.pipe(onward).pipe(client);
          });
        });
      });
    });
    await new Promise<void>((resolve) => socks.listen(0, "127.0.0.1", resolve));
    const env = { ALL_PROXY: `socks5://127.0.0.1:${(socks.address() as AddressInfo).port}` };
    const response = await proxied(globalThis.fetch, env)("http://llm.invalid/v1/models");
    await response.text();
    expect([response.status, asked]).toEqual([200, ["llm.invalid"]]);
    socks.close();
  });

  test("nothing goes where no variable names one, or where somebody else sends", () => {
    expect(proxied(globalThis.fetch, {})).toBe(globalThis.fetch);
    const own = async () => new Response();
    expect(proxied(own, envOf())).toBe(own);
  });
});

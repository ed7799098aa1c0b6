// A small Hugging Face Hub on loopback that can be written to, as @huggingface/hub 2.17 speaks to it: whoami-v2, repos/create,
// preupload, the LFS batch with basic and multipart transfers, storage on a second origin, the commit as NDJSON, tags, and
// the listing. It can be told to be slow, rude, wrong or to cut the line, request by request.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Where a request arrives. */
type WriteRoute =
  | "whoami"
  | "exists"
  | "create"
  | "tree"
  | "refs"
  | "resolve"
  | "preupload"
  | "batch"
  | "storage"
  | "complete"
  | "commit"
  | "tag";

/** What goes wrong with one answer. `cut` breaks the line after so many bytes of the request's body. */
type Rudeness =
  | { kind: "status"; status: number; headers?: Record<string, string>; body?: string }
  | { kind: "cut"; afterBytes: number }
  | { kind: "slow"; pauseMs: number }
  | { kind: "not JSON" }
  | { kind: "loses the answer" }
  | { kind: "somebody else commits"; path: string; when: "before" | "after" }
  | { kind: "keeps other bytes" };

/** What a file of a repository is. */
type Stored = { content: Buffer; lfs: boolean };

/** One repository. */
type WriteRepo = { private: boolean; files: Map<string, Stored>; tags: Map<string, string>; commits: string[] };

/** The running server and all that it knows. */
export interface WriteHub {
  readonly url: string;
  readonly repos: Map<string, WriteRepo>;
  readonly requests: {
    route: WriteRoute | "unknown";
    method: string;
    authorization: string | null;
    received: number;
  }[];
  script(route: WriteRoute, ...rudenesses: (Rudeness | null)[]): void;
  always(route: WriteRoute, rudeness: Rudeness | null): void;
  count(route: WriteRoute): number;
  close(): Promise<void>;
}

export interface WriteHubSetup {
  readonly token: string;
  readonly user?: string;
  readonly orgs?: string[];
  readonly role?: "write" | "read" | "fineGrained";
  /** Bytes from which a file is large, and of one part of it; without parts it is sent whole. */
  readonly lfsFrom?: number;
  readonly partBytes?: number;
}

type Exchange = { request: IncomingMessage; response: ServerResponse; url: URL; body: Buffer; match: RegExpExecArray };
type Answer = (exchange: Exchange) => void;

const REPO = "([^/]+/[^/]+?)";
const ROUTES: readonly [WriteRoute, string, RegExp][] = [
  ["whoami", "GET", /^\/api\/whoami-v2$/],
  ["create", "POST", /^\/api\/repos\/create$/],
  ["tree", "GET", new RegExp(`^/api/datasets/${REPO}/tree/main/?$`)],
  ["preupload", "POST", new RegExp(`^/api/datasets/${REPO}/preupload/main$`)],
  ["commit", "POST", new RegExp(`^/api/datasets/${REPO}/commit/main$`)],
  ["refs", "GET", new RegExp(`^/api/datasets/${REPO}/refs$`)],
  ["tag", "POST", new RegExp(`^/api/datasets/${REPO}/tag/(.+)$`)],
  ["exists", "GET", new RegExp(`^/api/datasets/${REPO}$`)],
  ["resolve", "GET", new RegExp(`^/datasets/${REPO}/resolve/main/(.+)$`)],
  ["batch", "POST", new RegExp(`^/datasets/${REPO}\\.git/info/lfs/objects/batch$`)],
];
const STORAGE: readonly [WriteRoute, string, RegExp][] = [
  ["storage", "PUT", /^\/([0-9a-f]{64})(?:\/(\d+))?$/],
  ["complete", "POST", /^\/([0-9a-f]{64})\/complete$/],
];

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const gitId = (bytes: Buffer) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** Starts the Hub and its storage on free ports of 127.0.0.1. */
export async function startWriteHub(setup: WriteHubSetup): Promise<WriteHub> {
  const { user = "me", orgs = [], role = "write", lfsFrom = 2000, partBytes } = setup;
  const repos = new Map<string, WriteRepo>();
  const stored = new Map<string, Buffer>();
  const parts = new Map<string, Map<number, Buffer>>();
  const requests: WriteHub["requests"] = [];
  const queues = new Map<WriteRoute, (Rudeness | null)[]>();
  const standing = new Map<WriteRoute, Rudeness | null>();
  let storageUrl = "";

  const json = (response: ServerResponse, value: unknown, status = 200) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  const refuse = (response: ServerResponse, status: number, error: string) => json(response, { error }, status);
  const repoOf = ({ match }: Exchange) => repos.get(match[1] ?? "");

  const answers: Record<WriteRoute, Answer> = {
    whoami: ({ response }) =>
      json(response, {
        type: "user",
        name: user,
        orgs: orgs.map((name) => ({ name })),
        auth: { type: "access_token", accessToken: { displayName: "test", role, createdAt: "2026-01-01T00:00:00Z" } },
      }),
    exists: (exchange) =>
      repoOf(exchange)
        ? json(exchange.response, { id: exchange.match[1] })
        : refuse(exchange.response, 404, "Repository not found"),
    create: ({ response, body }) => {
      const { name, organization, visibility, type } = JSON.parse(body.toString()) as Record<string, string>;
      const repo = `${organization}/${name}`;
      if (type !== "dataset") return refuse(response, 400, "expected a dataset");
      if (repos.has(repo)) return refuse(response, 409, "You already created this dataset repo");
      const files = new Map([[".gitattributes", { content: Buffer.from("*.parquet filter=lfs\n"), lfs: false }]]);
      repos.set(repo, {
        private: visibility === "private",
        files,
        tags: new Map(),
        commits: [gitId(Buffer.from(repo))],
      });
      json(response, { url: `/datasets/${repo}`, id: repo });
    },
    tree: (exchange) => {
      const files = [...(repoOf(exchange)?.files ?? [])].map(([path, { content, lfs }]) => ({
        ...{ type: "file", path, size: content.length, oid: gitId(lfs ? Buffer.from(sha256(content)) : content) },
        ...(lfs && { lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } }),
      }));
      json(exchange.response, files);
    },
    refs: (exchange) => {
      const { commits = [], tags = new Map<string, string>() } = repoOf(exchange) ?? {};
      const ref = (name: string, targetCommit: string, kind: string) => ({
        name,
        ref: `refs/${kind}/${name}`,
        targetCommit,
      });
      const named = [...tags].map(([name, commit]) =>
        ref(name, commit === "main" ? (commits.at(-1) ?? "") : commit, "tags"),
      );
      json(exchange.response, { branches: [ref("main", commits.at(-1) ?? "", "heads")], converts: [], tags: named });
    },
    resolve: (exchange) => {
      const file = repoOf(exchange)?.files.get(decodeURIComponent(exchange.match[2] ?? ""));
      if (file) exchange.response.writeHead(200).end(file.content);
      else refuse(exchange.response, 404, "Entry not found");
    },
    preupload: ({ response, body }) => {
      const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number; sample: string }[] };
      json(response, {
        files: files.map(({ path, size }) => ({ path, uploadMode: size >= lfsFrom ? "lfs" : "regular" })),
      });
    },
    batch: ({ response, body }) => {
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      const upload = (oid: string, size: number) => {
        if (partBytes === undefined) return { href: `${storageUrl}/${oid}?signature=s3cret` };
        const count = Math.ceil(size / partBytes);
        const urls = Array.from({ length: count }, (_, at) => [
          String(at + 1).padStart(5, "0"),
          `${storageUrl}/${oid}/${at + 1}?signature=s3cret`,
        ]);
        return {
          href: `${storageUrl}/${oid}/complete`,
          header: { chunk_size: String(partBytes), ...Object.fromEntries(urls) },
        };
      };
      const told = objects.map(({ oid, size }) => ({
        oid,
        size,
        ...(!stored.has(oid) && { actions: { upload: upload(oid, size) } }),
      }));
      json(response, { transfer: partBytes === undefined ? "basic" : "multipart", objects: told });
    },
    storage: ({ response, body, match }) => {
      const [, oid = "", part] = match;
      if (part) parts.set(oid, (parts.get(oid) ?? new Map<number, Buffer>()).set(Number(part), body));
      else if (sha256(body) !== oid) return refuse(response, 400, "other content than its name says");
      else stored.set(oid, body);
      response.writeHead(200, { etag: `"${sha256(body).slice(0, 8)}"` }).end();
    },
    complete: ({ response, body, match }) => {
      const told = (JSON.parse(body.toString()) as { parts: { partNumber: number; etag: string }[] }).parts;
      const own = parts.get(match[1] ?? "") ?? new Map<number, Buffer>();
      const whole = Buffer.concat(told.map(({ partNumber }) => own.get(partNumber) ?? Buffer.alloc(0)));
      if (sha256(whole) !== match[1] || told.some(({ etag }) => !etag))
        return refuse(response, 400, "parts are missing");
      stored.set(sha256(whole), whole);
      response.writeHead(200).end();
    },
    commit: (exchange) => {
      const repo = repoOf(exchange);
      if (!repo) return refuse(exchange.response, 404, "Repository not found");
      const lines = exchange.body
        .toString()
        .split("\n")
        .map((line) => JSON.parse(line) as { key: string; value: Record<string, string> });
      const parent = lines.find(({ key }) => key === "header")?.value["parentCommit"];
      if (parent !== undefined && parent !== repo.commits.at(-1))
        return refuse(exchange.response, 412, "A commit has happened since. Please refresh and try again.");
      for (const { key, value } of lines) {
        const { path = "", content = "", oid = "" } = value;
        if (key === "deletedFile") repo.files.delete(path);
        if (key === "file") repo.files.set(path, { content: Buffer.from(content, "base64"), lfs: false });
        const large = stored.get(oid);
        if (key === "lfsFile" && !large) return refuse(exchange.response, 400, `no object ${oid} for ${path}`);
        if (key === "lfsFile" && large) repo.files.set(path, { content: large, lfs: true });
      }
      const id = createHash("sha1").update(`${repo.commits.length}`).update(exchange.body).digest("hex");
      repo.commits.push(id);
      json(exchange.response, { success: true, commitOid: id, commitUrl: `/commit/${id}`, hookOutput: "" });
    },
    tag: (exchange) => {
      const repo = repoOf(exchange);
      const { tag = "" } = JSON.parse(exchange.body.toString()) as { tag?: string };
      if (repo?.tags.has(tag)) return refuse(exchange.response, 409, "Tag reference exists already");
      repo?.tags.set(tag, exchange.match[2] ?? "");
      exchange.response.writeHead(200).end();
    },
  };

  const serve =
    (routes: typeof ROUTES, needsToken: boolean) => async (request: IncomingMessage, response: ServerResponse) => {
      const url = new URL(request.url ?? "/", "http://loopback");
      const [route, , pattern] =
        routes.find(([, method, pattern]) => method === request.method && pattern.test(url.pathname)) ?? [];
      const record = {
        route: route ?? "unknown",
        method: request.method ?? "",
        authorization: request.headers.authorization ?? null,
        received: 0,
      } as WriteHub["requests"][number];
      requests.push(record);
      const queued = route && queues.get(route)?.shift();
      const rudeness = queued !== undefined ? queued : route ? (standing.get(route) ?? null) : null;
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        record.received += chunk.length;
        if (rudeness?.kind === "cut" && record.received >= rudeness.afterBytes) return void request.socket.destroy();
      }
      if (rudeness?.kind === "cut") return void request.socket.destroy();
      if (rudeness?.kind === "slow") await delay(rudeness.pauseMs);
      if (rudeness?.kind === "status")
        return void response.writeHead(rudeness.status, rudeness.headers).end(rudeness.body ?? "no");
      if (rudeness?.kind === "not JSON") return void response.writeHead(200).end("<html>sign in first</html>");
      if (needsToken && record.authorization !== `Bearer ${setup.token}`)
        return refuse(response, 401, "Invalid credentials");
      if (!route || !pattern) return refuse(response, 404, `no such route: ${request.method} ${url.pathname}`);
      const match = pattern.exec(url.pathname) as RegExpExecArray;
      const body = Buffer.concat(chunks);
      if (rudeness?.kind === "keeps other bytes") {
        const repo = repos.get(match[1] ?? "");
        answers[route]({ request, response, url, body, match });
        for (const [path, file] of repo?.files ?? [])
          if (file.lfs) repo?.files.set(path, { ...file, content: Buffer.concat([file.content, Buffer.from("x")]) });
        return;
      }
      const intrude = () => {
        if (rudeness?.kind !== "somebody else commits") return;
        const repo = repos.get(match[1] ?? "");
        repo?.files.set(rudeness.path, { content: Buffer.from("theirs"), lfs: false });
        repo?.commits.push(gitId(Buffer.from(`${repo.commits.length} ${rudeness.path}`)));
      };
      if (rudeness?.kind === "somebody else commits" && rudeness.when === "after") response.once("finish", intrude);
      else intrude();
      if (rudeness?.kind === "loses the answer") {
        response.end = (() => request.socket.destroy()) as unknown as typeof response.end;
      }
      answers[route]({ request, response, url, body, match });
    };

  const listen = async (answer: ReturnType<typeof serve>) => {
    const server = createServer((request, response) => {
      response.on("error", () => {});
      answer(request, response).catch(() => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
  };
  const storage = await listen(serve(STORAGE, false));
  storageUrl = storage.url;
  const hub = await listen(serve(ROUTES, true));
  return {
    url: hub.url,
    repos,
    requests,
    script: (route, ...list) => void queues.set(route, [...(queues.get(route) ?? []), ...list]),
    always: (route, rudeness) => void standing.set(route, rudeness),
    count: (route) => requests.filter((each) => each.route === route).length,
    close: async () => void (await Promise.all([hub.close(), storage.close()])),
  };
}

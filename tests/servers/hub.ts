// A small Hugging Face Hub on loopback: one dataset, the routes that `download` uses, and a second origin that holds the
// large files, as the real Hub's CDN does. It can be told to be slow, rude, wrong or silent, request by request.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";

/** Where a request arrives: the three routes of the Hub itself, and the second origin. */
type Route = "revision" | "tree" | "resolve" | "cdn";

/** What goes wrong with one answer. `bytes` and `afterBytes` count bytes of the body. */
export type Misbehaviour =
  | { kind: "status"; status: number; headers?: Record<string, string> }
  | { kind: "slow"; bytes: number; pauseMs: number }
  | { kind: "cut"; afterBytes: number }
  | { kind: "stall"; afterBytes: number }
  | { kind: "wrong bytes" }
  | { kind: "wrong length"; bytes: number }
  | { kind: "wrong range" }
  | { kind: "range ignored" }
  | { kind: "not JSON" };

/** One request as it arrived, and how many bytes of body it was sent. */
type HubRequestRecord = {
  route: Route | "unknown";
  method: string;
  path: string;
  range: string | null;
  authorization: string | null;
  sentBytes: number;
};

/** What the dataset holds and who may see it. */
export type HubSetup = {
  files: Record<string, { content: string | Uint8Array; lfs?: boolean }>;
  repo?: string;
  commit?: string;
  /** Branches and tags that stand for the commit. */
  revisions?: string[];
  /** Without this token every request to the Hub itself is refused. */
  token?: string;
  /** Entries of the listing in one page. */
  pageSize?: number;
};

/** The running server. `script` queues one entry a request of the route (null: behaves); `always` is used when the queue is empty. */
export type Hub = {
  url: string;
  cdnUrl: string;
  repo: string;
  commit: string;
  requests: HubRequestRecord[];
  script(route: Route, ...behaviours: (Misbehaviour | null)[]): void;
  always(route: Route, misbehaviour: Misbehaviour | null): void;
  close(): Promise<void>;
};

type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  record: HubRequestRecord;
  misbehaviour: Misbehaviour | null;
};

/** Starts both origins on free ports of 127.0.0.1. */
export async function startHub(setup: HubSetup): Promise<Hub> {
  const requests: HubRequestRecord[] = [];
  const queues = new Map<Route, (Misbehaviour | null)[]>();
  const standing = new Map<Route, Misbehaviour | null>();

  const exchangeOf = (request: IncomingMessage, response: ServerResponse, isCdn: boolean): Exchange => {
    const url = new URL(request.url ?? "/", "http://loopback");
    const route = isCdn ? "cdn" : routeOf(url.pathname);
    const record: HubRequestRecord = {
      route,
      method: request.method ?? "",
      path: url.pathname,
      range: request.headers.range ?? null,
      authorization: request.headers.authorization ?? null,
      sentBytes: 0,
    };
    requests.push(record);
    response.setHeader("x-request-id", `request-${requests.length}`);
    const next = route === "unknown" ? null : queues.get(route)?.shift();
    const misbehaviour = next !== undefined ? next : (standing.get(route as Route) ?? null);
    return { request, response, url, record, misbehaviour };
  };

  const cdn = await listen((request, response) => answerCdn(exchangeOf(request, response, true), setup));
  const place = {
    repo: setup.repo ?? "owner/chats",
    commit: setup.commit ?? "c0ffee".padEnd(40, "0"),
    cdnUrl: cdn.url,
  };
  const hub = await listen((request, response) => answerHub(exchangeOf(request, response, false), setup, place));
  return {
    ...place,
    url: hub.url,
    requests,
    script: (route, ...behaviours) => void queues.set(route, [...(queues.get(route) ?? []), ...behaviours]),
    always: (route, misbehaviour) => void standing.set(route, misbehaviour),
    close: async () => void (await Promise.all([hub.close(), cdn.close()])),
  };
}

/** The id that git gives a file: what the Hub lists for files that are not in LFS. */
export function gitBlobId(content: string | Uint8Array): string {
  const bytes = Buffer.from(content);
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

type Place = { repo: string; commit: string; cdnUrl: string };

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void) {
  const server: Server = createServer((request, response) => {
    response.on("error", () => {}); // the client may leave whenever it likes
    Promise.resolve(answer(request, response)).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

function routeOf(path: string): Route | "unknown" {
  if (/^\/api\/datasets\/[^/]+\/[^/]+\/revision\//.test(path)) return "revision";
  if (/^\/api\/datasets\/[^/]+\/[^/]+\/tree\//.test(path)) return "tree";
  if (/^\/datasets\/[^/]+\/[^/]+\/resolve\//.test(path)) return "resolve";
  return "unknown";
}

function answerHub(exchange: Exchange, setup: HubSetup, place: Place): Promise<void> | void {
  const { record, url, misbehaviour } = exchange;
  if (misbehaviour?.kind === "status") return refuse(exchange, misbehaviour.status, misbehaviour.headers);
  if (setup.token !== undefined && record.authorization !== `Bearer ${setup.token}`) {
    return refuse(exchange, 401, { "x-error-code": "GatedRepo", "x-error-message": "Access is restricted" });
  }
  const [, repo, revision = "", path = ""] =
    /^(?:\/api)?\/datasets\/([^/]+\/[^/]+)\/[a-z]+\/([^/]+)\/?(.*)$/.exec(url.pathname) ?? [];
  if (repo !== place.repo) return refuse(exchange, 404, { "x-error-code": "RepoNotFound" });
  if (![place.commit, ...(setup.revisions ?? ["main"])].includes(decodeURIComponent(revision))) {
    return refuse(exchange, 404, { "x-error-code": "RevisionNotFound" });
  }
  if (record.route === "revision") return sendJson(exchange, { _id: "1", id: place.repo, sha: place.commit });
  if (record.route === "tree") return sendTree(exchange, setup);
  return sendOrRedirect(exchange, decodeURIComponent(path), setup, place);
}

function sendOrRedirect(exchange: Exchange, path: string, setup: HubSetup, place: Place): Promise<void> | void {
  const file = setup.files[path];
  if (file === undefined) return refuse(exchange, 404, { "x-error-code": "EntryNotFound" });
  if (!file.lfs) return sendBody(exchange, Buffer.from(file.content));
  const location = `${place.cdnUrl}/${sha256(file.content)}?signature=s3cret`;
  exchange.response.writeHead(302, { location, "x-repo-commit": place.commit }).end();
}

function answerCdn(exchange: Exchange, setup: HubSetup): Promise<void> | void {
  const { misbehaviour, url } = exchange;
  if (misbehaviour?.kind === "status") return refuse(exchange, misbehaviour.status, misbehaviour.headers);
  const file = Object.values(setup.files).find(({ content }) => `/${sha256(content)}` === url.pathname);
  if (file === undefined) return refuse(exchange, 404);
  return sendBody(exchange, Buffer.from(file.content));
}

function refuse({ response }: Exchange, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "text/plain", ...headers }).end("refused");
}

/** One page of the listing: folders and files, the next page in the Link header. */
function sendTree(exchange: Exchange, setup: HubSetup): Promise<void> | void {
  const { url, request, response } = exchange;
  const entries = treeOf(setup.files);
  const start = Number(url.searchParams.get("cursor") ?? 0);
  const end = start + (setup.pageSize ?? 1000);
  if (end < entries.length) {
    url.searchParams.set("cursor", String(end));
    response.setHeader("link", `<http://${request.headers.host}${url.pathname}${url.search}>; rel="next"`);
  }
  return sendJson(exchange, entries.slice(start, end));
}

function treeOf(files: HubSetup["files"]) {
  const folders = new Set(
    Object.keys(files).flatMap((path) => (path.includes("/") ? path.replace(/\/[^/]*$/, "") : [])),
  );
  const folderEntries = [...folders].map((path) => ({ type: "directory", path, size: 0, oid: gitBlobId(path) }));
  const fileEntries = Object.entries(files).map(([path, { content, lfs }]) => {
    const size = Buffer.from(content).length;
    const pointer = { oid: sha256(content), size, pointerSize: 134 };
    return { type: "file", path, size, oid: gitBlobId(lfs ? "pointer" : content), ...(lfs ? { lfs: pointer } : {}) };
  });
  return [...folderEntries, ...fileEntries];
}

function sendJson(exchange: Exchange, value: unknown): Promise<void> {
  exchange.response.setHeader("content-type", "application/json");
  const text = exchange.misbehaviour?.kind === "not JSON" ? "<html>sign in first</html>" : JSON.stringify(value);
  return sendBody(exchange, Buffer.from(text));
}

async function sendBody(exchange: Exchange, whole: Buffer): Promise<void> {
  const { request, response, misbehaviour } = exchange;
  const content = encode(exchange, distort(whole, misbehaviour));
  const range = misbehaviour?.kind === "range ignored" ? null : rangeOf(request);
  if (range !== null && range >= content.length) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    return;
  }
  const from = misbehaviour?.kind === "wrong range" ? 0 : (range ?? 0);
  const body = content.subarray(from, from + content.length - (range ?? 0));
  if (range !== null) {
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${from}-${from + body.length - 1}/${content.length}`);
  }
  response.setHeader("content-length", body.length);
  await transmit(exchange, body);
}

/** Compressed if the client takes that, as the real Hub does with small text files; a range is then one of compressed bytes. */
function encode({ request, response, record }: Exchange, content: Buffer): Buffer {
  if (record.route !== "resolve" || !/gzip/.test(String(request.headers["accept-encoding"]))) return content;
  response.setHeader("content-encoding", "gzip");
  return gzipSync(content);
}

function distort(content: Buffer, misbehaviour: Misbehaviour | null): Buffer {
  if (misbehaviour?.kind === "wrong bytes") return content.map((byte) => byte ^ 1) as Buffer;
  if (misbehaviour?.kind === "wrong length")
    return Buffer.concat([content, Buffer.alloc(misbehaviour.bytes)], misbehaviour.bytes);
  return content;
}

function rangeOf(request: IncomingMessage): number | null {
  const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  return from === undefined ? null : Number(from);
}

async function transmit({ response, record, misbehaviour }: Exchange, body: Buffer): Promise<void> {
  const send = async (part: Buffer) => {
    record.sentBytes += part.length;
    response.flushHeaders();
    if (part.length > 0) await new Promise<void>((resolve) => response.write(part, () => resolve()));
  };
  if (misbehaviour?.kind === "slow") {
    for (let at = 0; at < body.length && !response.destroyed; at += misbehaviour.bytes) {
      await send(body.subarray(at, at + misbehaviour.bytes));
      await delay(misbehaviour.pauseMs);
    }
  } else if (misbehaviour?.kind === "cut" || misbehaviour?.kind === "stall") {
    await send(body.subarray(0, misbehaviour.afterBytes));
    if (misbehaviour.kind === "stall") return;
    await delay(50); // time to read what was sent: a client may drop unread bytes when the connection breaks
    response.destroy();
    return;
  } else {
    await send(body);
  }
  response.end();
}

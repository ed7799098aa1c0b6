// A small HTTP proxy on loopback: requests with a whole address, and tunnels. Whatever host is asked for, it goes to one server.

import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";

/** The running proxy. */
export interface ProxyServer {
  readonly port: number;
  /** `METHOD address` of each request, with the user that it named. */
  readonly seen: string[];
  /** What it does: sends on, wants the password `s3cret`, refuses with a status, or never answers. */
  manner: "open" | "login" | "hang" | number;
  close(): Promise<void>;
}

/** Starts a proxy that sends everything to a port of this machine. */
export async function startProxy(target: () => number): Promise<ProxyServer> {
  const sockets = new Set<{ destroy(): void }>();
  /** The status to refuse with; null = go on. */
  const refusal = (login: string | undefined): number | null => {
    if (typeof proxy.manner === "number") return proxy.manner;
    const isKnown = Buffer.from(login?.replace("Basic ", "") ?? "", "base64").toString() === "ann:s3cret";
    return proxy.manner === "login" && !isKnown ? 407 : null;
  };
  const http = createServer((incoming, response) => {
    proxy.seen.push(`${incoming.method} ${incoming.url}`);
    if (proxy.manner === "hang") return;
    const refused = refusal(incoming.headers["proxy-authorization"]);
    if (refused !== null) return void response.writeHead(refused).end("no");
    const { pathname, search } = new URL(incoming.url ?? "");
    const { "proxy-authorization": _, ...headers } = incoming.headers;
    const options = { port: target(), host: "127.0.0.1", path: pathname + search, method: incoming.method, headers };
    const onward = request(options, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    incoming.pipe(onward);
  });
  http.on("connect", (incoming, socket) => {
    sockets.add(socket);
    proxy.seen.push(`CONNECT ${incoming.url}`);
    if (proxy.manner === "hang") return;
    const refused = refusal(incoming.headers["proxy-authorization"]);
    if (refused !== null) return void socket.end(`HTTP/1.1 ${refused} No\r\n\r\n`);
    const onward = connect(target(), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    sockets.add(onward);
    for (const each of [socket, onward]) each.on("error", () => {});
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const proxy: ProxyServer = {
    port: (http.address() as AddressInfo).port,
    seen: [],
    manner: "open",
    close: () =>
      new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
        for (const each of sockets) each.destroy();
      }),
  };
  return proxy;
}

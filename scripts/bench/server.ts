import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// A language model that thinks for as long as it is told, in a process of its own: speed and memory are then the client's.
// `node server.js <ms>` prints the address that it listens at; a line on stdin makes it print how many requests it had.

const delayMs = Number(process.argv[2] ?? 100);
let requests = 0;
let atOnce = 0;
let most = 0;

const answer = (model: string) =>
  JSON.stringify({
    ...{ id: "chatcmpl-bench", object: "chat.completion", created: 1, model },
    choices: [
      {
        index: 0,
        finish_reason: "stop",
        message: {
          role: "assistant",
          content: "You are a user chatting with an assistant language model to learn how to grow vegetables.",
        },
      },
    ],
    usage: { prompt_tokens: 700, completion_tokens: 18, total_tokens: 718 },
  });
const body = answer("bench");

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    requests++;
    most = Math.max(most, ++atOnce);
    setTimeout(() => {
      atOnce--;
      response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body);
    }, delayMs);
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`));
process.stdin.on("data", () => console.log(`${requests} ${most}`));

import { createInterface } from "node:readline";
import { z } from "zod";
import { UsageError } from "../../../pipeline/errors.ts";
import { hubNet, type Net } from "../../../pipeline/hub/http.ts";
import type { Folder } from "../../../stages/publish/folder.ts";
import type { Change, SendEvent } from "../../../stages/publish/repository.ts";
import { defineCommand } from "../command.ts";
import { type Io, print, tell } from "../io.ts";
import { findRun, OfDataset } from "../runs.ts";
import { count, table } from "../terminal.ts";

const PublishInput = z.strictObject({
  ...OfDataset,
  repo: z.string().meta({ value: "owner/name", description: "dataset repository on the Hub; made if it is not there" }),
  private: z.boolean().default(false).describe("a repository that is made is private"),
  tag: z.string().optional().describe("name the commit, such as v1"),
  yes: z.boolean().default(false).describe("do not ask"),
  dryRun: z.boolean().default(false).describe("show what would be sent, send nothing"),
  pii: z
    .enum(["mask", "block", "allow"])
    .default("mask")
    .describe("personal data found in turns and intents: mask it, leave out its conversations, or let it be"),
  kMin: z.int().min(1).default(10).describe('countries, languages and models with fewer users are called "other"'),
  ids: z
    .enum(["keep", "key"])
    .optional()
    .describe("ids of conversations: keep those of the source, or key them anew; default: keep those that the Hub has"),
});
type PublishInput = z.infer<typeof PublishInput>;

/** `flipturn publish`: the dataset of a finished run to the Hub, after a pass for privacy and a yes. */
export const publish = defineCommand({
  name: "publish",
  summary: "send the dataset of a finished run to the Hub, after a pass for privacy",
  input: PublishInput,
  notes:
    "HF_TOKEN is a token that may write. FLIPTURN_PUBLISH_KEY is the secret for user ids; without it one is made and kept in the folder of the run.",
  examples: ["flipturn publish --output output/wildchat-1m --repo you/user-lm-data --private --tag v1"],
  async run(input, io) {
    // What speaks with the Hub is loaded when needed.
    const { publishFolder, requirePublishable } = await import("../../../stages/publish/folder.ts");
    const { changeOf, isTagged, openRepository, publishChange } = await import("../../../stages/publish/repository.ts");
    const { repo, tag, kMin, pii, ids = null } = input;
    const run = await findRun(input.output, io);
    const publishable = await requirePublishable(run, input.form ?? null);
    const net = hubNet(io.environment.env, { signal: io.signal, fetch: io.environment.fetch });
    const repository = await openRepository(repo, run.plan.source, net);
    tell(io, "publish: looking for personal data, and writing what goes out");
    const folder = await publishFolder(publishable, { kMin, pii, ids }, io.signal);
    const change = await changeOf(folder, repository);
    const isDone = tag !== undefined && (await isTagged(repository, tag, change, net));
    tell(io, `\n${preview(input, folder, change)}\n`);
    if (input.dryRun)
      return print(io, input.json ? JSON.stringify(facts(input, net, change, null)) : "Nothing was sent (--dry-run).");
    await requireYes(input, io);
    const commit = await publishChange(
      repo,
      change,
      {
        isPrivate: input.private,
        title: `Publish with flipturn ${run.plan.code}`,
        tag: tag === undefined || isDone ? null : tag,
      },
      net,
      sendingTeller(change, io),
    );
    if (input.json) return print(io, JSON.stringify(facts(input, net, change, commit)));
    print(io, `${count(change.all.length)} files are there as they are here, by size and hash.\n${urlOf(input, net)}`);
  },
});

const urlOf = ({ repo, tag }: PublishInput, { hubUrl }: Net) =>
  `${hubUrl}/datasets/${repo}${tag ? `/tree/${tag}` : ""}`;

function facts(input: PublishInput, net: Net, { send, remove, all }: Change, commit: string | null) {
  return {
    url: urlOf(input, net),
    commit,
    sent: send.map(({ path }) => path),
    removed: remove,
    files: all.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  };
}

/** What will go where, and what was done for privacy. */
function preview(input: PublishInput, { staged }: Folder, { isNew, send, remove, all }: Change): string {
  const where = isNew
    ? `a new ${input.private ? "private" : "public"} dataset`
    : "a dataset that is there; who may see it stays as it is";
  const rows = all.map((each) => [send.includes(each) ? "send" : "there", each.path, count(each.bytes)]);
  const found = Object.entries(staged.turns).map(([kind, inText]) => [
    kind,
    count(inText),
    count(staged.intents[kind as keyof Folder["staged"]["intents"]]),
  ]);
  const done = { mask: "masked", block: `left out, ${count(staged.blocked_rows)} rows`, allow: "left in" }[input.pii];
  return [
    `To ${input.repo}, ${where}${input.tag ? `, tag ${input.tag}` : ""}:\n`,
    table([["", "file", "bytes"], ...rows, ...remove.map((path) => ["remove", path, ""])], [2]),
    `\nPersonal data found in ${count(staged.conversations)} conversations (${done}):\n`,
    table([["kind", "in turns", "in intents"], ...found], [1, 2]),
    `\nUser ids are keyed anew; ${Object.entries(staged.merged)
      .map(([column, number]) => `${column} ${count(number)}`)
      .join(", ")} values are called "other", so that none names fewer than ${input.kMin} users.`,
    ...(staged.unknown_countries.length === 0
      ? []
      : [
          `No country that is known: ${staged.unknown_countries.join(", ")}; phone numbers there were read as in the United States.`,
        ]),
  ].join("\n");
}

/** Throws UsageError unless somebody says yes. */
async function requireYes({ yes, repo }: PublishInput, io: Io): Promise<void> {
  if (yes) return;
  if (!io.stdin.isTTY) throw new UsageError("nobody is there to ask: look at the above and say --yes");
  io.stderr.write(`Publish this to ${repo}? Type yes: `);
  const lines = createInterface({ input: io.stdin, signal: io.signal });
  const answer = await new Promise<string>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
  });
  lines.close();
  io.signal.throwIfAborted();
  if (answer.trim().toLowerCase() !== "yes") throw new UsageError("nothing was sent");
}

const PHASES: Readonly<Record<string, string>> = {
  preuploading: "asking which files are large",
  uploadingLargeFiles: "sending large files",
  committing: "committing",
};

/** Tells on stderr how far sending is. */
function sendingTeller({ send }: Change, io: Io): (event: SendEvent) => void {
  const done = new Set<string>();
  return (event) => {
    if (event.event === "phase") tell(io, `publish: ${PHASES[event.phase]}`);
    else if (event.state === "uploading" && event.progress === 1 && !done.has(event.path))
      tell(io, `publish: ${event.path} (${done.add(event.path).size} of ${send.length})`);
  };
}

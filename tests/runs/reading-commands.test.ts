import { cpSync, mkdirSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { settingsOf } from "../../pipeline/config.ts";
import { commands } from "../../scripts/cli/commands/index.ts";
import { SHORT_FLAGS } from "../../scripts/cli/settings.ts";
import { FORM_NAMES, type FormName } from "../../stages/forms/index.ts";
import { dataset } from "../../stages/index.ts";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { allFiles, CLI, DEMO, DEMO_SETTINGS, flipturn, shardsOf, startProcess, succeed } from "./flipturn.ts";

const folder = temporary();
const run = join(folder, "run");
const here = { cwd: folder };
const ESC = "\u001b[";
/** The stages of a plan with one form. */
const PLANNED = dataset.stages.map(({ name }) => (["render", "describe"].includes(name) ? `${name}:samples` : name));
const forms = FORM_NAMES.flatMap((form) => ["--form", form]);

function rows(form: FormName, format: "parquet" | "jsonl" = "parquet"): string {
  return join(folder, `all-${format}`, "dataset", form, "data", `train-00000-of-00001.${format}`);
}

beforeAll(async () => {
  await succeed(["demo", "--output", run, "--threads", "1"], here);
  for (const format of ["parquet", "jsonl"]) {
    const output = join(folder, `all-${format}`);
    // All but the dataset is done.
    cpSync(run, output, { recursive: true, preserveTimestamps: true });
    await succeed(["demo", "--output", output, ...forms, "--file-format", format, "--threads", "1"], here);
  }
});

/** Every file of the folder with its time: what a command that only reads leaves as it is. */
function times(): Record<string, bigint> {
  return Object.fromEntries(
    allFiles(folder).map((path) => [path, statSync(join(folder, path), { bigint: true }).mtimeNs]),
  );
}

/** Runs a command that must read only: everything on stdout, nothing on stderr, no file changed. */
async function read(...args: string[]): Promise<string> {
  const before = times();
  const { stdout, stderr } = await succeed(args, here);
  expect(stderr).toBe("");
  expect(times()).toEqual(before);
  return stdout;
}

describe("status", () => {
  test("shows every stage of a finished run as done, with what it kept", async () => {
    const lines = (await read("status", "--output", run)).split("\n");
    expect(lines[0]).toBe(`${run}: wildchat-1m, seed 0, 1 shards`);
    expect(lines.find((line) => line.startsWith("prepare"))).toMatch(/^prepare +done +(\d+)\/\1 +126 conversations$/);
    expect(lines.filter((line) => / done /.test(line))).toHaveLength(8);
  });

  test("says the same as JSON", async () => {
    const found = JSON.parse(await read("status", "--output", run, "--json"));
    expect(found.map((each: { stage: string }) => each.stage)).toEqual(PLANNED);
    expect(found[5]).toEqual({
      stage: "flip",
      state: "done",
      tasks: 2,
      tasksDone: 2,
      unit: "samples",
      in: 269,
      kept: 265,
      rejected: { empty_target: 3, ends_with_user: 1 },
      failed: [],
      asking: null,
    });
  });

  test("finds the only run under output/ by itself, and asks which where there are two", async () => {
    const place = { cwd: join(folder, "runs") };
    mkdirSync(place.cwd);
    await succeed(["demo", "--threads", "1"], place);
    expect((await succeed(["status"], place)).stdout).toContain("output/demo: wildchat-1m");
    await succeed(["demo", "--output", "output/second", "--to", "download"], place);
    const asked = await flipturn(["status"], place);
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain("several runs: name one with --output: output/demo, output/second");
  });

  test("tells what is done, begun and waiting in a run that stopped half way", async () => {
    const half = join(folder, "half");
    const plan = ["--output", half, "--shards", "2"];
    await succeed(["demo", ...plan, "--to", "download"], here);
    await succeed(["task", "--plan", join(half, "plan.json"), "--phase", "prepare.scatter", "--element", "0"], here);
    const found = JSON.parse(await read("status", "--output", half, "--json"));
    expect(found.slice(0, 3).map((each: object) => Object.values(each).slice(0, 4))).toEqual([
      ["download", "done", 4, 4],
      ["prepare", "begun", expect.any(Number), 1],
      ["dedup", "waiting", expect.any(Number), 0],
    ]);
  });
});

describe("explain", () => {
  const one = async (sql: string) =>
    String((await select<{ id: string }>(`SELECT id FROM (${sql}) ORDER BY id LIMIT 1`))[0]?.id);

  test("follows a conversation that stays through every stage to its file", async () => {
    const id = await one(`SELECT conversation_id AS id FROM ${shardsOf(run, "flip", "samples")} WHERE split = 'train'`);
    const text = await read("explain", id, "--output", run);
    expect(text.split("\n")[0]).toBe(id);
    for (const stage of ["prepare", "dedup", "split", "intents", "flip", "render:samples"])
      expect(text).toMatch(new RegExp(`^${stage} +kept$`, "m"));
    expect(text).toContain('split="train"');
    expect(text).toContain("train-00000-of-00001.parquet");
    expect(text).not.toContain(ESC);
  });

  test.each([
    ["without the source in front", (id: string) => id.replace("wildchat-1m:", "")],
    ["of one of its samples", (id: string) => `${id}:1`],
    ["of one of its samples, without the source", (id: string) => `${id.replace("wildchat-1m:", "")}:2`],
  ])("takes the id %s", async (_name, written) => {
    const id = await one(`SELECT conversation_id AS id FROM ${shardsOf(run, "flip", "samples")}`);
    const { conversation_id, steps } = JSON.parse(await read("explain", written(id), "--output", run, "--json"));
    expect(conversation_id).toBe(id);
    expect(steps).toHaveLength(6);
  });

  test.each([
    ["prepare", "schema"],
    ["prepare", "language"],
    ["prepare", "toxic"],
    ["prepare", "system_turn"],
    ["dedup", "template"],
    ["intents", "no_intent"],
    ["intents", "empty"],
  ] as const)("names the stage and the reason where one left: %s, %s", async (stage, reason) => {
    const id = await one(
      `SELECT coalesce(conversation_id, id) AS id FROM ${shardsOf(run, stage, "rejections")} WHERE reason = '${reason}'`,
    );
    const { steps } = JSON.parse(await read("explain", id, "--output", run, "--json"));
    const last = steps.at(-1);
    expect([last.stage, last.state, last.rejections.map((each: { reason: string }) => each.reason)]).toEqual([
      stage,
      "rejected",
      [reason],
    ]);
    if (reason === "template")
      expect(await read("explain", id, "--output", run)).toMatch(/^dedup +rejected\n +template /m);
  });

  test.each([
    ["with a slash at the end", () => `${run}/`],
    ["with a detour", () => `${run}/../${basename(run)}`],
    ["from here", () => relative(folder, run)],
  ])("finds the files of the dataset whatever way the folder is written: %s", async (_name, spelled) => {
    const id = await one(`SELECT conversation_id AS id FROM ${shardsOf(run, "flip", "samples")} WHERE split = 'train'`);
    const files = async (output: string) =>
      (JSON.parse(await read("explain", id, "--output", output, "--json")).steps.at(-1).rows as { rows: number }[]).map(
        ({ rows }) => rows,
      );
    expect(await files(run)).toHaveLength(1);
    expect(await files(spelled())).toEqual(await files(run));
  });

  test("names the stages that there are where one is asked for that is not planned", async () => {
    for (const flag of ["--from", "--to"]) {
      const { code, stderr } = await flipturn(["demo", "--output", run, flag, "render:trl"], here);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining("no stage render:trl in this plan; it has: download, "),
      ]);
    }
  });

  test("tells of each form, whatever became of the conversation in the others, of packed rows and of Arrow files too", async () => {
    const output = join(folder, "several");
    const packed = ["--form", "trl", "--form", "tokens", "--packing", "--file-format", "arrow"];
    const { code, stderr } = await flipturn(["demo", "--output", output, ...packed], here);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--file-format arrow needs --form tokens")]);
    await succeed(["demo", "--output", output, "--form", "tokens", "--packing", "--file-format", "arrow"], here);
    await succeed(["demo", "--output", output, "--form", "trl", "--form", "messages"], here);
    const id = await one(
      `SELECT conversation_id AS id FROM read_parquet('${output}/07-render-trl/rejections-*.parquet', hive_partitioning = false) WHERE reason = 'control_token'`,
    );
    const { steps } = JSON.parse(await read("explain", id, "--output", output, "--json"));
    expect(steps.map(({ stage }: { stage: string }) => stage).slice(-3)).toEqual([
      "render:trl",
      "render:messages",
      "render:tokens",
    ]);
    const whole = await one(
      `SELECT conversation_id AS id FROM ${shardsOf(output, "flip", "samples")} WHERE split = 'train'`,
    );
    await succeed(["demo", "--output", output, "--form", "tokens", "--packing", "--file-format", "arrow"], here);
    const { steps: shown } = JSON.parse(await read("explain", whole, "--output", output, "--json"));
    const rows = shown.find(({ stage }: { stage: string }) => stage === "render:tokens").rows;
    expect(rows).toMatchObject([{ file: expect.stringContaining("train/data-00000-of-00001.arrow") }]);
  });

  test("shows a repeat that left beside the one that stayed", async () => {
    const id = await one(
      `SELECT conversation_id AS id FROM ${shardsOf(run, "prepare", "rejections")} WHERE reason = 'repeated_id'`,
    );
    const { steps } = JSON.parse(await read("explain", id, "--output", run, "--json"));
    expect([steps[0].state, steps[0].rows.length, steps[0].rejections[0].reason]).toEqual(["kept", 1, "repeated_id"]);
  });

  test.each(["empty_target", "ends_with_user"])("shows what flip left out of one that stays: %s", async (reason) => {
    const id = await one(
      `SELECT conversation_id AS id FROM ${shardsOf(run, "flip", "rejections")} WHERE reason = '${reason}'`,
    );
    const { steps } = JSON.parse(await read("explain", id, "--output", run, "--json"));
    const flip = steps.find((step: { stage: string }) => step.stage === "flip");
    expect(flip.state).toBe("kept");
    expect(flip.rejections.map((each: { reason: string }) => each.reason)).toContain(reason);
    expect(steps.at(-1).stage).toBe("render:samples");
  });

  test.each(["none", "wildchat-1m:0", "' OR 1=1 --", "%"])(
    "does not know the id %s, and says how ids look",
    async (id) => {
      const { code, stdout, stderr } = await flipturn(["explain", id, "--output", run], here);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toBe(`flipturn: ${run}: no conversation ${id}; ids look like wildchat-1m:<id of the source>\n`);
    },
  );
});

describe("inspect", () => {
  test.each([["--layout", "conversations"], ["--packing"], ["--file-format", "arrow"]])(
    "shows a row at the end of a demo with %s %s",
    async (...flags) => {
      const output = ["--output", join(folder, "shown"), "--form", "tokens"];
      const { stdout } = await succeed(["demo", ...output, ...flags], here);
      expect(stdout).toMatch(/in the loss: \d+ of \d+ tokens/);
    },
  );

  const MARK = "--- target (in the loss) ---";

  test("shows the same row, whatever the form and format, with the target between marks", async () => {
    const [{ id }] = (await select<{ id: string }>(
      `SELECT id FROM read_parquet('${rows("samples")}') WHERE kind = 'next' ORDER BY id LIMIT 1`,
    )) as [{ id: string }];
    const shown = new Set<string>();
    for (const form of FORM_NAMES) {
      for (const format of ["parquet", "jsonl"] as const) {
        const text = await read("inspect", rows(form, format), "--id", id);
        expect(text).toContain(`${id}  next`);
        expect(text).toContain(`<|start_header_id|>user<|end_header_id|>\n${MARK}\n`);
        shown.add(text.replace(/^.*\n/, ""));
      }
    }
    expect(shown.size).toBe(1);
  });

  test("shows a file of samples of a stage as well", async () => {
    expect(await read("inspect", join(run, "06-flip", "samples-00000-of-00001.parquet"))).toContain(MARK);
  });

  test.each(["first", "next", "end"])("picks rows of a kind: %s", async (kind) => {
    const lines = (await read("inspect", rows("messages"), "--kind", kind, "--rows", "5", "--json")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(new Array(5).fill(kind));
    if (kind === "end")
      for (const line of lines) expect(JSON.parse(line).completion).toBe("\n<|endconversation|><|eot_id|>");
  });

  test.each(FORM_NAMES)("gives the token ids of Llama 3, one id for each control token: %s", async (form) => {
    const text = await read("inspect", rows(form), "--ids", "--json", "--kind", "end");
    const { prompt_ids, completion_ids } = JSON.parse(text);
    // <|start_header_id|> 128006, "system" 9125, <|end_header_id|> 128007, "\n" 198; <|eot_id|> 128009.
    expect(prompt_ids.slice(0, 4)).toEqual([128006, 9125, 128007, 198]);
    expect(prompt_ids.slice(-3)).toEqual([128006, 882, 128007]);
    expect(completion_ids).toEqual([198, 128256, 128009]);
    expect(await read("inspect", rows(form), "--ids", "--kind", "end")).toContain(
      `in the loss: 3 of ${prompt_ids.length + 3} tokens, "\\n<|endconversation|><|eot_id|>"`,
    );
  });

  test("what a person typed never becomes a control token", async () => {
    const typed = await select<{ id: string }>(
      `SELECT id FROM read_parquet('${rows("samples")}') WHERE contains(target, '<|eot_id|>')`,
    );
    expect(typed.length).toBeGreaterThan(0);
    for (const { id } of typed) {
      const { completion_ids } = JSON.parse(await read("inspect", rows("samples"), "--id", id, "--ids", "--json"));
      expect(completion_ids.filter((each: number) => each >= 128_000)).toEqual([128009]);
    }
  });

  test.each([
    ["--id", "nothing-like-it", "no row with id nothing-like-it"],
    ["--kind", "middle", "no row of kind middle"],
  ])("says that there is no such row: %s %s", async (flag, value, said) => {
    const { code, stdout, stderr } = await flipturn(["inspect", rows("samples"), flag, value], here);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(said);
  });

  test("ends quietly when its reader has seen enough", async () => {
    const command = `"$0" "$@" | head -1; echo "\${PIPESTATUS[0]}"`;
    const args = ["-c", command, process.execPath, CLI, "inspect", rows("samples"), "--rows", "1000"];
    const { stdout, stderr } = await startProcess("bash", args, here).done;
    expect(stderr).toBe("");
    const [first, code] = stdout.trim().split("\n");
    expect(first).toMatch(/^wildchat-1m:/);
    expect(code).toBe("0");
  });

  test("colours the target on a terminal, unless NO_COLOR is set", async ({ skip }) => {
    const command = [process.execPath, CLI, "inspect", rows("samples")].map((part) => `'${part}'`).join(" ");
    const onTerminal = (env: NodeJS.ProcessEnv) =>
      startProcess("script", ["-qec", command, "/dev/null"], { ...here, env: { TERM: "xterm", ...env } }).done;
    const coloured = await onTerminal({}).catch(() => null);
    if (coloured?.code !== 0) skip("there is no `script` that makes a terminal here");
    expect(coloured?.stdout).toContain(ESC);
    expect(coloured?.stdout).not.toContain(MARK);
    const plain = await onTerminal({ NO_COLOR: "1" });
    expect(plain.stdout).not.toContain(ESC);
    expect(plain.stdout).toContain(MARK);
  });
});

describe("plan and --dry-run", () => {
  const settings = [...DEMO_SETTINGS, "--input", `${DEMO}/*.parquet`, "--output", "planned", "--shards", "2"];

  test.each([
    ["plan", ["plan", ...settings]],
    ["run --dry-run", ["run", ...settings, "--dry-run"]],
    ["demo --dry-run", ["demo", "--dry-run", "--output", "planned", "--shards", "2"]],
  ])("%s shows stages, tasks and options, and touches nothing", async (_name, args) => {
    const text = await read(...args);
    expect(text).toContain("wildchat-1m from local files: 3 files, 111,504 bytes, 2 shards -> planned");
    for (const name of PLANNED) expect(text).toMatch(new RegExp(`^${name} +\\d+ +to do`, "m"));
    expect(text).toContain("minCount=10");
    expect(allFiles(join(folder, "planned"))).toEqual([]);
  });

  test("plan --json is the plan that --write would write", async () => {
    const shown = JSON.parse(await read("plan", ...settings, "--json"));
    expect(shown.stages.map((stage: { name: string }) => stage.name)).toEqual(PLANNED);
    await succeed(["plan", ...settings, "--write"], here);
    const again = JSON.parse(await read("plan", ...settings, "--json"));
    expect(again).toEqual(shown);
    expect(allFiles(join(folder, "planned"))).toEqual(["plan.json"]);
  });

  test("a plan says what a run would be refused for, before it is run", async () => {
    const args = ["plan", ...settings, "--form", "tokens", "--tokenizer", "none"];
    const why = "--form tokens needs --tokenizer llama3 or a tokenizer.json, not none";
    expect(await read(...args)).toContain(`\nNot ready to run: ${why}\n`);
    expect(JSON.parse(await read(...args, "--json")).missing).toEqual([why]);
    expect(await read("plan", ...settings)).not.toContain("Not ready");
  });

  test("a plan of a finished run says what is done, and --dry-run of one with other options what is not", async () => {
    expect((await read("demo", "--dry-run", "--output", run)).match(/ done: /g)).toHaveLength(8);
    const changed = await read("demo", "--dry-run", "--output", run, "--form", "messages");
    expect(changed).toMatch(/^flip +2 +done: 265 samples kept/m);
    expect(changed).toMatch(/^render:messages +\d+ +to do/m);
  });

  test("--force --dry-run touches nothing either", async () => {
    await read("demo", "--dry-run", "--force", "--output", run);
  });
});

describe("run", () => {
  test("prints its manifests and nothing else on stdout with --json, and its progress on stderr", async () => {
    const { stdout, stderr } = await succeed(
      ["demo", "--output", join(folder, "json"), "--json", "--threads", "1"],
      here,
    );
    const found = JSON.parse(stdout);
    expect(found.map((each: { stage: string }) => each.stage)).toEqual(PLANNED);
    expect(found[1]).toMatchObject({ in: 152, kept: 126 });
    // On a slow machine lines of progress come in between.
    const lines = stderr.split("\n").filter((line) => line.endsWith("s)"));
    expect(lines.map((line) => line.split(" ")[0])).toEqual(PLANNED);
    expect(stderr).not.toContain(ESC);
    expect(stderr).not.toContain("\r");
  });

  test("prints its funnel on stdout, and no line of progress there", async () => {
    const { stdout } = await succeed(["demo", "--output", run], here);
    expect(stdout).toMatch(/^stage +unit +in +kept +rejected$/m);
    expect(stdout).toMatch(/^dedup +conversations +126 +86 +template 40$/m);
    expect(stdout).not.toContain("up to date");
    expect(stdout).toContain("rows: train 250, validation 5, test 10");
  });
});

describe("--help", () => {
  test.each(["run", "demo", "plan"])(
    "of %s lists the settings that many name, and says where all are",
    async (command) => {
      const text = (await read(command, "--help")).replaceAll(/\s+/g, " ");
      for (const flag of Object.keys(SHORT_FLAGS)) {
        const isFixed = command === "demo" && ["source", "input"].includes(flag);
        if (isFixed) expect(text).not.toContain(`--${flag} <`);
        else expect(text, flag).toMatch(new RegExp(`--${flag} [<[]`));
      }
      expect(text).toContain("--set <path=value>");
      expect(text).toContain("flipturn settings");
      expect(text).not.toContain("--bin-pack");
    },
  );

  test.each(commands.map(({ name, summary }) => [name, summary] as const))(
    "of %s exits 0, on stdout, with a sentence and an example that begins like it",
    async (name, summary) => {
      const text = (await read(...name.split(" "), "--help")).replaceAll(/\s+/g, " ");
      expect(text).toContain(`Usage: flipturn ${name} `);
      expect(text).toContain(summary);
      expect(text).toContain(`flipturn ${name}`);
    },
  );

  test("of the program names every command and how to begin", async () => {
    const text = await read("--help");
    for (const { name } of commands) expect(text).toMatch(new RegExp(`^ +${name.split(" ")[0]} `, "m"));
    expect(text).toContain("flipturn demo");
    expect(await read("--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("of what there is not is an error with what was meant", async () => {
    const command = await flipturn(["demmo"], here);
    expect([command.code, command.stderr]).toEqual([2, expect.stringContaining("Did you mean demo?")]);
    const flag = await flipturn(["run", "--soruce", "chat"], here);
    expect([flag.code, flag.stderr]).toEqual([2, expect.stringContaining("Did you mean --source?")]);
  });
});

describe("settings", () => {
  test("lists every setting with its flag, default, values and meaning", async () => {
    const text = await read("settings");
    for (const { path, type } of settingsOf(dataset)) {
      expect(text).toMatch(new RegExp(`^${path.join(String.raw`\.`)} `, "m"));
      expect(text).toContain(type.description);
    }
    expect(text).toMatch(/^dedup\.minCount +--min-count +100$/m);
    expect(text).toContain("[whole number from 1]");
  });

  test("lists those of a group, also as JSON and as Markdown", async () => {
    const found = JSON.parse(await read("settings", "models.intents", "--json"));
    expect(found[0]).toEqual({
      path: "models.intents.model",
      flag: "model",
      takes: "text",
      default: '"gpt-4o"',
      description: "name of the model, as the server knows it",
    });
    expect(found.every(({ path }: { path: string }) => path.startsWith("models.intents."))).toBe(true);
    expect(await read("settings", "split.ratios", "--markdown")).toContain("| `split.ratios` | `--ratios` |");
    const none = await flipturn(["settings", "nothing"], here);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("no setting begins with nothing")]);
  });
});

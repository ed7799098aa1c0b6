import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { NotReadyError } from "../../../pipeline/errors.ts";
import type { RunEvent } from "../../../pipeline/events.ts";
import { inProcess } from "../../../pipeline/executors/in-process.ts";
import { runStages } from "../../../pipeline/run.ts";
import type { Run } from "../../../pipeline/run-folder.ts";
import type { Stage } from "../../../pipeline/stage.ts";
import { useFolder } from "../../helpers/folder.ts";
import { runToy, toyRun, toyStages } from "../../helpers/toy.ts";

const at = useFolder();

/** What this machine is called in the names of temporary files. */
const HERE = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

/** Runs a toy with these options once more in the same folder; returns the tasks that really ran. */
async function again(given: Record<string, Record<string, unknown>> = {}, options = {}): Promise<string[]> {
  const ran: string[] = [];
  await runToy(await toyRun(at(), ran, { given }), options);
  return ran;
}

const EVERYTHING = [
  "paper",
  "letters 0",
  "letters 1",
  "capitals copy 0",
  "capitals copy 1",
  "capitals raise 0",
  "capitals raise 1",
  "digits",
];

describe("a run", () => {
  test("does every task of every stage, in order", async () => {
    expect(await again()).toEqual(EVERYTHING);
  });

  test("does nothing when all is done and unchanged", async () => {
    await again();
    expect(await again()).toEqual([]);
  });

  test("does a stage again when an option changed, and what reads it, but not what does not", async () => {
    await again();
    expect(await again({ letters: { text: "xyz" } })).toEqual(EVERYTHING.slice(1, -1));
  });

  test("stops early where a changed option led to the same output", async () => {
    await again();
    expect(await again({ letters: { note: "changes nothing" } })).toEqual(["letters 0", "letters 1"]);
  });

  test("leaves the stages before a changed one alone", async () => {
    await again();
    expect(await again({ capitals: { drop: "a" } })).toEqual(EVERYTHING.slice(3, -1));
  });

  test("comes to the same bytes after options were changed and changed back", async () => {
    await again();
    const before = readFileSync(at("03-capitals", "manifest.json"), "utf8");
    await again({ letters: { text: "other" }, capitals: { drop: "o" } });
    await again();
    expect(readFileSync(at("03-capitals", "manifest.json"), "utf8")).toBe(before);
  });

  test("does everything again when it is forced", async () => {
    await again();
    expect(await again({}, { force: true })).toEqual(EVERYTHING);
  });

  test.each([
    { repeats: true, expected: EVERYTHING.slice(3, 7) },
    { repeats: false, expected: EVERYTHING.slice(3, 5) },
  ])("does a phase again after one whose tasks are done again: $repeats", async ({ repeats, expected }) => {
    await again();
    rmSync(at("03-capitals", "done.json")); // by now the copies are swept
    const ran: string[] = [];
    const stages = toyStages(ran).map((stage): Stage => {
      const phases = stage.phases.map((phase) => (phase.name === "raise" ? { ...phase, repeats } : phase));
      return { ...stage, phases };
    });
    await runToy(await toyRun(at(), ran, { stages }), { to: "capitals" });
    expect(ran).toEqual(expected);
  });

  test("does only the stages from one to another", async () => {
    expect(await again({}, { to: "letters" })).toEqual(EVERYTHING.slice(0, 3));
    expect(await again({}, { from: "capitals", to: "capitals" })).toEqual(EVERYTHING.slice(3, 7));
  });

  test("does not begin in the middle when the stages before are not done", async () => {
    await expect(again({}, { from: "capitals" })).rejects.toThrow(NotReadyError);
    await expect(again({}, { from: "capitals" })).rejects.toThrow("letters is not done");
  });

  test("refuses a range that ends before it begins, and stages that there are not", async () => {
    await expect(again({}, { from: "digits", to: "paper" })).rejects.toThrow("--from digits comes after --to paper");
    await expect(again({}, { from: "capital" })).rejects.toThrow("no stage capital");
  });

  test("does again what was deleted, and no more than belongs to it", async () => {
    await again();
    rmSync(at("02-letters", "letters-00001-of-00002.parquet"));
    expect(await again()).toEqual(["letters 1"]);
  });

  test("tells what is up to date and what it does", async () => {
    await again({}, { to: "paper" });
    const told: string[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "stage") told.push(`${event.stage} ${event.state}`);
      if (event.type === "phase") told.push(`${event.stage}/${event.phase} ${event.done} of ${event.total}`);
    };
    await again({}, { to: "letters", onEvent });
    expect(told).toEqual([
      "paper up-to-date",
      "letters running",
      "letters/spell 0 of 2",
      "letters/spell 1 of 2",
      "letters/spell 2 of 2",
      "letters/finish 0 of 1",
      "letters/finish 1 of 1",
      "letters done",
    ]);
  });

  test("finds what its stages keep when the chain has got one more stage before them", async () => {
    await again();
    mkdirSync(at("03-capitals", "journal"));
    writeFileSync(at("03-capitals", "journal", "answers"), "paid for");
    const [paper, letters, capitals, digits] = toyStages([]) as [Stage, Stage, Stage, Stage];
    const more: Stage = { ...paper, name: "more", writes: {}, phases: [] };
    const stages = [paper, letters, more, { ...capitals, keeps: ["journal"] }, digits];
    await runToy(await toyRun(at(), [], { stages }));
    expect(readFileSync(at("04-capitals", "journal", "answers"), "utf8")).toBe("paid for");
    expect(existsSync(at("03-capitals"))).toBe(false);
  });

  test("writes its plan beside its stages", async () => {
    await again();
    expect(JSON.parse(readFileSync(at("plan.json"), "utf8"))).toEqual((await toyRun(at(), [])).plan);
  });
});

describe("a run that was stopped", () => {
  /** Runs with an abort after so many tasks; returns the tasks that ran. */
  async function stopAfter(count: number): Promise<string[]> {
    const controller = new AbortController();
    const ran: string[] = [];
    const notes = new Proxy(ran, {
      set(list, key, value) {
        if (Number(key) === count - 1) controller.abort();
        return Reflect.set(list, key, value);
      },
    });
    await expect(runToy(await toyRun(at(), notes), {}, controller.signal)).rejects.toThrow(/abort/);
    return ran;
  }

  test("does no further task, and lets go of the run", async () => {
    expect(await stopAfter(2)).toEqual(EVERYTHING.slice(0, 2));
    expect(existsSync(at("lock"))).toBe(false);
  });

  test("goes on where it was, losing at most the task that was under way", async () => {
    const whole = at("whole");
    await runToy(await toyRun(whole, []));
    for (let count = 1; count <= EVERYTHING.length; count++) {
      rmSync(at("01-paper"), { recursive: true, force: true });
      for (const name of ["02-letters", "03-capitals", "04-digits"]) rmSync(at(name), { recursive: true, force: true });
      const first = await stopAfter(count);
      const second = await again();
      expect(second.length).toBeLessThanOrEqual(EVERYTHING.length - first.length + 1);
      expect(new Set([...first, ...second])).toEqual(new Set(EVERYTHING));
      expect(readFileSync(at("03-capitals", "manifest.json"))).toEqual(
        readFileSync(`${whole}/03-capitals/manifest.json`),
      );
    }
  });

  test("has its half-written files swept by the next run, but not half-fetched downloads", async () => {
    mkdirSync(at("02-letters", "raw"), { recursive: true });
    const ours = at("02-letters", `letters-00000-of-00002.parquet.${HERE}-${spawnSync("true").pid}-0a1b2c.partial`);
    const fetched = at("raw.parquet.partial");
    writeFileSync(ours, "half");
    writeFileSync(fetched, "half");
    await again({}, { to: "paper" });
    expect(existsSync(ours)).toBe(false);
    expect(existsSync(fetched)).toBe(true);
  });

  test("leaves what a task elsewhere may be writing, here or on another machine, for a day", async () => {
    mkdirSync(at("02-letters"), { recursive: true });
    const here = at("02-letters", `a.${HERE}-${process.ppid}-0a1b2c.partial`);
    const there = at("02-letters", "a.0123abcd-4242-0a1b2c.partial");
    for (const each of [here, there]) writeFileSync(each, "half");
    await again({}, { to: "paper" });
    for (const each of [here, there]) expect(existsSync(each)).toBe(true);
    const yesterday = Date.now() / 1000 - 25 * 3600;
    for (const each of [here, there]) utimesSync(each, yesterday, yesterday);
    await again({}, { to: "paper" });
    for (const each of [here, there]) expect(existsSync(each)).toBe(false);
  });

  test("that another process has taken over leaves that one's half-written files alone", async () => {
    const theirs = at("02-letters", `a.${HERE}-${process.pid}-0a1b2c.partial`);
    const run = await toyRun(at(), []);
    const takenOver = (event: RunEvent) => {
      if (event.type !== "stage" || event.stage !== "letters" || event.state !== "running") return;
      writeFileSync(at("lock"), JSON.stringify({ ...JSON.parse(readFileSync(at("lock"), "utf8")), id: "other" }));
      mkdirSync(at("02-letters"), { recursive: true });
      writeFileSync(theirs, "half");
    };
    await expect(runToy(run, { onEvent: takenOver })).rejects.toThrow("another process has taken over");
    expect(existsSync(theirs)).toBe(true);
    expect(existsSync(at("lock"))).toBe(true);
    expect(existsSync(at("02-letters", "manifest.json"))).toBe(false);
  });
});

test("an executor takes over what an earlier driver has left, before anything is swept or done", async () => {
  const ran: string[] = [];
  const run = await toyRun(at(), ran);
  const left = at("02-letters", `a.${HERE}-${spawnSync("true").pid}-0a1b2c.partial`);
  mkdirSync(at("02-letters"), { recursive: true });
  writeFileSync(left, "half");
  const driver = inProcess.start(run, {}, { signal: new AbortController().signal, report: () => {} });
  const executor = {
    ...driver,
    takeOver: async () => {
      ran.push("takes over");
      expect(existsSync(at("lock"))).toBe(true);
      expect(existsSync(left)).toBe(true);
    },
  };
  await runStages(run, { executor, driver });
  expect(ran).toEqual(["takes over", ...EVERYTHING]);
});

describe("the lock of a run", () => {
  test("is gone when the run is over, well or badly", async () => {
    await again({}, { to: "paper" });
    expect(existsSync(at("lock"))).toBe(false);
    await expect(again({ capitals: { lose: "a" } })).rejects.toThrow("lost");
    expect(existsSync(at("lock"))).toBe(false);
  });

  test("keeps a second run of this process out", async () => {
    const first: Run = await toyRun(at(), []);
    const both = await Promise.allSettled([runToy(first), runToy(first)]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

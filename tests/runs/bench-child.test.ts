import { describe, expect, test } from "vitest";
import { runChild } from "../../scripts/bench/child.ts";
import { tables } from "../../scripts/bench/report.ts";

const node = (code: string) => [process.execPath, ["-e", code]] as const;

describe.skipIf(process.platform !== "linux")("a watched program", () => {
  test("tells what it printed last, and what it and its children took", async () => {
    const busy = "const end = Date.now() + 600; while (Date.now() < end);";
    const code = `require("child_process").execFileSync(process.execPath, ["-e", ${JSON.stringify(busy)}]); ${busy}
      console.log("said before"); console.log(JSON.stringify({ samples: 7 }));`;
    const ran = await runChild<{ samples: number }>(...node(code));
    expect(ran.told).toEqual({ samples: 7 });
    expect(ran.wall_s).toBeGreaterThan(1.1);
    expect(ran.cpu_s).toBeGreaterThan(0.1);
    expect(ran.peak_mb).toBeGreaterThan(5);
  });

  test("is killed once it holds more than it may", async () => {
    const code = "const held = []; setInterval(() => held.push(Buffer.alloc(50e6, 1)), 50)";
    await expect(runChild(...node(code), { mostMb: 400 })).rejects.toThrow("killed: it held more than 400 MB");
  });

  test("that fails is an error with what it said", async () => {
    await expect(runChild(...node('throw new Error("so it is")'))).rejects.toThrow(/exit 1[\s\S]*so it is/);
  });
});

test("the tables have a line for every run and every stage that ran, and say what was skipped", () => {
  const cost = { wall_s: 10, cpu_s: 15, peak_mb: 700 };
  const stages = [
    { stage: "download", rows: 2, ran: true, ...cost },
    { stage: "prepare", rows: 1000, ran: true, ...cost },
    { stage: "dedup", rows: 900, ran: false, ...cost },
  ];
  const run = {
    contender: "flipturn",
    conversations: 1000,
    round: 1,
    threads: 2,
    corpus_mb: 40,
    samples: 3000,
    ...cost,
  };
  const text = tables({
    machine: { cores: 2 },
    versions: { node: "v20" },
    skipped: "Python: no python3",
    runs: [{ ...run, stages }],
  });
  expect(text.split("\n").filter((line) => line.startsWith("| flipturn"))).toEqual([
    "| flipturn | 1000 | 1 | 2 | 10.0 | 15.0 | 700 | 3000 |",
    "| flipturn | 1000 | 2 | prepare | 1000 | 10.0 | 15.0 | 700 | 100 | 4.0 |",
  ]);
  expect(text).toContain("cores 2");
  expect(text).toContain("Skipped: Python: no python3.");
});

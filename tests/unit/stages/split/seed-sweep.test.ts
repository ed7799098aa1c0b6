import { describe, expect, test } from "vitest";
import { drawSplits } from "../../../../stages/split/draw.ts";
import { sweep, type Weighed } from "../../../../stages/split/seed-sweep.ts";

const users = Array.from({ length: 100 }, (_, at): Weighed => {
  const conversations = at === 0 ? 900 : 1;
  return { user_id: `user ${at}`, country: "Chile", conversations, samples: 3 * conversations, group: -1 };
});
const options = { source: "wildchat-1m", seed: "7", seeds: 50, ratios: [90, 5, 5], by: "user-in-country" } as const;
const found = sweep(users, options);
const of = (measure: string, split: string) => found.find((each) => each.measure === measure && each.split === split);

describe("a sweep over seeds", () => {
  test("gives the run's own counts as the draw with its seed does", () => {
    const own = drawSplits(users, "7", [90, 5, 5]).filter((user) => user.split === "test");
    expect(of("users", "test")?.own).toBe(own.length);
    expect(of("conversations", "test")?.own).toBe(own.reduce((sum, user) => sum + user.conversations, 0));
  });

  test("shows how far one heavy user moves a split: users hardly vary, conversations a lot", () => {
    expect(of("users", "train")).toMatchObject({ least: 90, most: 90 });
    expect(of("conversations", "train")).toMatchObject({ median: 989, most: 989 });
    expect(of("conversations", "train")?.least).toBeLessThan(100);
    expect(of("samples", "train")?.median).toBe(3 * 989);
  });

  test("counts the seeds that reach the published share of each split", () => {
    const { published, seeds_at_published_share: share } = of("conversations", "train") as never;
    expect(published).toBe(343_951);
    const reached = Array.from({ length: 50 }, (_, seed) => drawSplits(users, String(seed), [90, 5, 5])).filter(
      (drawn) => drawn.find((user) => user.user_id === "user 0")?.split === "train",
    );
    expect(share).toBe(reached.length / 50);
    expect(of("users", "train")?.published).toBeNull();
  });

  test("says nothing of what was published of another source", () => {
    for (const spread of sweep(users, { ...options, source: "chat", seeds: 2 }))
      expect(spread).toMatchObject({ published: null, seeds_at_published_share: null });
  });
});

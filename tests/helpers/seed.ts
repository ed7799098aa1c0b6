/**
 * Property tests draw the same examples each time, so that a commit that passed passes again.
 * `FLIPTURN_TEST_SEED=random` (or a number) draws others.
 */
import fc from "fast-check";

const seed = process.env["FLIPTURN_TEST_SEED"] ?? "1";
if (seed !== "random") fc.configureGlobal({ seed: Number(seed) });

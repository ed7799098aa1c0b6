import { UsageError } from "../../pipeline/errors.ts";
import { keyed } from "../../pipeline/hash.ts";
import { userKeyName } from "../../pipeline/plan.ts";
import type { Task } from "../../pipeline/task.ts";
import type { PrepareOptions } from "./options.ts";

/** The key of the user hash: a secret from the environment, or derived from the seed so that runs repeat. */
export function userKeyOf({ environment, plan }: Task<PrepareOptions>): string {
  const secret = environment.env["FLIPTURN_USER_KEY"];
  if (userKeyName(secret) !== plan.user_key)
    throw new UsageError("FLIPTURN_USER_KEY is not what it was when the plan was made; set it to the same secret");
  return secret || keyed(plan.seed, "user key");
}

// The demo conversations in the order in which they are written down. All of it is synthetic: every person, question and
// answer was made up for this project, and nothing was copied from a real log.

import type { DemoConversation } from "./conversation.ts";
import { EVERYDAY } from "./everyday.ts";
import { QUIRKS } from "./quirks.ts";
import { PLANTED, SHARED_OPENING } from "./templates.ts";

/** All rows of the demo. */
export const CONVERSATIONS: readonly DemoConversation[] = [
  ...EVERYDAY,
  ...SHARED_OPENING,
  ...PLANTED.A,
  ...PLANTED.B,
  ...QUIRKS,
];

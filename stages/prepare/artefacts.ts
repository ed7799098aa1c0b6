import { artefactsOf, bytes, rejections, table } from "../../pipeline/artefact.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { EndSignals } from "../../schemas/end-signals.ts";

/** What `prepare` writes. */
export const prepared = artefactsOf("prepare", {
  conversations: table(
    Conversation,
    "a dialogue in the common shape; `user_id` is a keyed hash, IPs, headers and states are left behind",
  ),
  end_signals: table(
    EndSignals,
    "how a conversation ends, without its text: times, keys, signs such as thanks or refusal",
  ),
  rejections: rejections(),
  scattered: bytes("blocks", "rows of a piece of an input, sorted into shards"),
});

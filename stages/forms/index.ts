import type { Form } from "../../pipeline/text/segment.ts";
import { axolotl } from "./axolotl/form.ts";
import { llamaFactory } from "./llama-factory/form.ts";
import { messagesForm } from "./messages/form.ts";
import { openai } from "./openai/form.ts";
import { samplesForm } from "./samples/form.ts";
import { tokensForm } from "./tokens/form.ts";
import { torchtune } from "./torchtune/form.ts";
import { trl } from "./trl/form.ts";

/** The forms by their name on the command line. */
export const FORMS = {
  samples: samplesForm,
  tokens: tokensForm,
  trl,
  axolotl,
  "llama-factory": llamaFactory,
  torchtune,
  openai,
  messages: messagesForm,
} satisfies Record<string, Form>;

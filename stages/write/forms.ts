import { axolotl } from "./forms/axolotl.ts";
import { llamaFactory } from "./forms/llama-factory.ts";
import { messagesForm } from "./forms/messages.ts";
import { openai } from "./forms/openai.ts";
import { samplesForm } from "./forms/samples.ts";
import { tokensForm } from "./forms/tokens.ts";
import { torchtune } from "./forms/torchtune.ts";
import { trl } from "./forms/trl.ts";
import type { Form } from "./rendered.ts";

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

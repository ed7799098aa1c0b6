import { axolotl } from "./axolotl.ts";
import type { Form } from "./form.ts";
import { llamaFactory } from "./llama-factory.ts";
import { messagesForm } from "./messages.ts";
import { openai } from "./openai.ts";
import { samplesForm } from "./samples.ts";
import { tokensForm } from "./tokens.ts";
import { torchtune } from "./torchtune.ts";
import { trl } from "./trl.ts";

/** The forms by their name on the command line. To add one: write its file beside these and name it here. */
const FORMS = {
  samples: samplesForm,
  tokens: tokensForm,
  trl,
  axolotl,
  "llama-factory": llamaFactory,
  torchtune,
  openai,
  messages: messagesForm,
} as const;

/** Name of a form. */
export type FormName = keyof typeof FORMS;

/** Names of the forms, in order. */
export const FORM_NAMES = Object.keys(FORMS) as [FormName, ...FormName[]];

/** A form by its name. */
export function formNamed(name: FormName): Form {
  return FORMS[name] as unknown as Form;
}

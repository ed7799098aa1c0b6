import { Environment, Interpreter, type Template } from "@huggingface/jinja";

/** Steps that a template may take for each message, and beside them: far more than templates in use take. */
const STEPS_A_MESSAGE = 20_000;
const STEPS_BESIDE = 100_000;
/** Numbers that `range` may give. */
const LONGEST_RANGE = 1_000_000;

/**
 * Renders a Jinja template, which may come from a stranger, with messages and what else it is told, within a number of
 * steps that grows with the messages. Throws Error if it takes more, asks for what cannot be had, or raises.
 */
export function renderBounded(
  { parsed }: Template,
  messages: readonly object[],
  context: Readonly<Record<string, unknown>>,
): string {
  const environment = new Environment();
  const all = { ...CONSTANTS, raise_exception, range, ...context, messages, add_generation_prompt: false };
  for (const [name, value] of Object.entries(all)) environment.set(name, value);
  const interpreter = new Interpreter(environment);
  countSteps(interpreter, STEPS_BESIDE + STEPS_A_MESSAGE * messages.length);
  return String((interpreter.run(parsed) as { value: unknown }).value);
}

/** What Jinja calls them, and Python. */
const CONSTANTS = { true: true, false: false, none: null, True: true, False: false, None: null };

/** The interpreter has no limit of its own: each statement and expression goes through the one, each turn of a loop through the other. */
function countSteps(interpreter: Interpreter, most: number): void {
  const steps = interpreter as unknown as Record<"evaluate" | "evaluateBlock", (...args: unknown[]) => unknown>;
  let left = most;
  for (const name of ["evaluate", "evaluateBlock"] as const) {
    const step = steps[name].bind(interpreter);
    steps[name] = (...args) => {
      if (--left < 0) throw new Error("it takes so many steps that it may never come to an end");
      return step(...args);
    };
  }
}

function raise_exception(said: unknown): never {
  throw new Error(String(said));
}

/** Python's, as far as templates use it. */
function range(...args: unknown[]): number[] {
  const [start, stop, step] = (args.length === 1 ? [0, args[0], 1] : [args[0], args[1], args[2] ?? 1]).map(Number) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!(count <= LONGEST_RANGE)) throw new Error(`range of ${count} numbers; expected at most ${LONGEST_RANGE}`);
  return Array.from({ length: count }, (_, at) => start + at * step);
}

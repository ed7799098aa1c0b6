import type { RequesterState } from "./requester.ts";

/**
 * Says in one line how asking goes: requests and tokens a second over the last ten seconds, dollars spent and projected,
 * the time that is left, failures by kind. Nothing of it is written anywhere.
 */
export function progressNote(run: {
  total: number;
  budget: number | null;
  spentBefore: number;
  reused?: () => number;
}) {
  const started = performance.now();
  let text = "";
  let told = Number.NEGATIVE_INFINITY;
  const seen: { at: number; done: number; requests: number; tokens: number }[] = [];
  return (done: number, state: RequesterState): string => {
    const now = performance.now();
    // Whoever draws it draws ten times a second at most.
    if (now - told < 100 && done < run.total) return text;
    told = now;
    seen.push({ at: now, done, requests: state.requests, tokens: state.tokens });
    while (seen.length > 2 && now - (seen[0]?.at ?? 0) > 10_000) seen.shift();
    const first = seen.length > 1 ? seen[0] : { at: started, done: 0, requests: 0, tokens: 0 };
    const seconds = Math.max(0.001, (now - (first?.at ?? started)) / 1000);
    const rate = (what: "done" | "requests" | "tokens", total: number) => (total - (first?.[what] ?? 0)) / seconds;
    const left = Math.max(0, run.total - done);
    const speed = rate("done", done);
    text = [
      `${short(rate("requests", state.requests))} req/s, ${short(rate("tokens", state.tokens))} tok/s`,
      money(run, state, done),
      run.reused?.() ? `${short(run.reused())} answers of other runs` : "",
      speed > 0 && left > 0 ? `${duration(left / speed)} left` : "",
      failures(state.failures),
    ]
      .filter((each) => each !== "")
      .join("; ");
    return text;
  };
}

function money(
  run: { total: number; budget: number | null; spentBefore: number },
  { spent }: RequesterState,
  done: number,
) {
  if (spent === 0 && run.budget === null) return "";
  const projected = done > 0 ? run.spentBefore + ((spent - run.spentBefore) * run.total) / done : 0;
  const cap = run.budget === null ? "" : ` of $${run.budget}`;
  return `$${spent.toFixed(2)}${cap} spent${projected > spent ? `, $${projected.toFixed(2)} projected` : ""}`;
}

function failures(kinds: Readonly<Record<string, number>>): string {
  const found = Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`);
  return found.length === 0 ? "" : `failed: ${found.join(", ")}`;
}

/** `1.2k`: a number in a few letters. */
function short(number: number): string {
  if (number >= 1e6) return `${(number / 1e6).toFixed(1)}M`;
  return number >= 1e4 ? `${(number / 1e3).toFixed(1)}k` : number.toFixed(number < 10 ? 1 : 0);
}

/** `3 h 20 min`: seconds in words. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

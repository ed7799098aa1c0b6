import { wordsOf } from "../../pipeline/text/words.ts";

/**
 * Words of the closed classes of English (articles, pronouns, auxiliaries, prepositions, conjunctions, question words,
 * the commonest adverbs) with their contractions. They are left out before overlap is computed; the card lists them.
 */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  `a an the this that these those
   i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers
   herself it its itself they them their theirs themselves one someone something anyone anything everyone everything
   am is are was were be been being do does did doing done have has had having will would shall should can could may
   might must ought i'm you're he's she's it's we're they're i've you've we've they've i'd you'd he'd she'd we'd they'd
   i'll you'll he'll she'll we'll they'll isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't won't
   wouldn't shan't shouldn't can't cannot couldn't mustn't let's that's there's here's what's who's
   about above across after against along among around as at before behind below between by down during for from in
   inside into near of off on onto out outside over per since through to toward towards under until up upon via with
   within without
   and but or nor so yet if because although though while whereas unless than whether either neither both
   who whom whose which what when where why how
   not no all any each every few more most much many other some such own same just also only too very then there here
   now again once ever never still even`.split(/\s+/),
);

/** The words of a text that are no stop words. */
export function contentWords(text: string): string[] {
  return wordsOf(text).filter((word) => !STOP_WORDS.has(word));
}

/** The different runs of `n` words. */
export function ngrams(words: readonly string[], n: number): Set<string> {
  const found = new Set<string>();
  for (let at = 0; at + n <= words.length; at++) found.add(words.slice(at, at + n).join(" "));
  return found;
}

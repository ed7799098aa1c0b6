/** What the paper reports of its one split of WildChat ("Flipping the Dialogue", arXiv 2510.06552, section 2.2). */
export const PUBLISHED_SPLITS = {
  conversations: { train: 343_951, validation: 22_442, test: 17_943 },
  samples: { train: 1_047_930, validation: 118_291, test: 137_224 },
} as const;

/** What is published of the splits of a source; null = nothing. */
export function publishedSplitsOf(source: string): typeof PUBLISHED_SPLITS | null {
  return source === "wildchat-1m" ? PUBLISHED_SPLITS : null;
}

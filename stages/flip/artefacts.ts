import { artefactsOf, rejections, table } from "../../pipeline/artefact.ts";
import { Sample } from "../../schemas/sample.ts";

/** What `flip` writes. */
export const flipped = artefactsOf("flip", {
  samples: table(Sample, "which turn is the target and how many stand before it; the text stays in the conversation"),
  rejections: rejections(),
});

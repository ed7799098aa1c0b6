import { z } from "zod";
import { operational } from "../../pipeline/setting-marks.ts";

/** The options of `download`: which dataset of the Hub, at which revision, and which of its files. */
export const DownloadOptions = z.strictObject({
  repo: z.string().nullable().default(null).describe("Hub dataset to read instead of the source's own, `owner/name`"),
  revision: z
    .string()
    .nullable()
    .default(null)
    .describe("commit, branch or tag of the Hub dataset; default: the commit named for the source"),
  parallel: operational(z.int().min(1).default(4).describe("files that are fetched at a time")),
  files: z
    .array(z.string())
    .nullable()
    .default(null)
    .describe("globs of the files to read from the Hub dataset; default: the source's own"),
});
export type DownloadOptions = z.infer<typeof DownloadOptions>;

import { basename } from "node:path";
import { splitOfFile } from "../../pipeline/files/row-files.ts";
import { digest } from "../../pipeline/hash.ts";
import { Split } from "../../schemas/user.ts";
import type { RecipeFile } from "../forms/recipes/facts.ts";

/**
 * The files that make a folder of Arrow files one that HF `datasets` opens with `load_from_disk`: the list of splits, and
 * for each split its data files. Columns and types are read from the Arrow files themselves. Layout as `save_to_disk` of datasets 5.2 writes it.
 */
export function arrowFolder(paths: readonly string[]): RecipeFile[] {
  const filesOf = (split: Split) =>
    paths.filter((path) => splitOfFile(path, [split]) === split).map((path) => basename(path));
  const splits = Split.options.filter((split) => filesOf(split).length > 0);
  const perSplit = splits.flatMap((split) => {
    const state = {
      _data_files: filesOf(split).map((filename) => ({ filename })),
      _fingerprint: digest([split, ...paths]).slice(0, 16),
      _format_columns: null,
      _format_kwargs: {},
      _format_type: null,
      _output_all_columns: false,
      _split: split,
    };
    return [
      { path: `${split}/state.json`, text: json(state) },
      { path: `${split}/dataset_info.json`, text: json({ citation: "", description: "", homepage: "", license: "" }) },
    ];
  });
  return [{ path: "dataset_dict.json", text: json({ splits }) }, ...perSplit];
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

// Files of a Hub dataset by an address, as they are named on command lines.

import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { fetchHubFile, listHubFiles, resolveRevision } from "./download.ts";
import type { HubSource, Net } from "./http.ts";
import type { HubFile } from "./listing.ts";

/** One file of a dataset at a revision, or several: `*` in the path stands for a part of a name. */
export type HubAddress = HubSource & { readonly path: string };

const ADDRESS = /^hf:\/\/datasets\/([^/@]+\/[^/@]+)(?:@([^/]+))?\/(.+)$/;

/** Reads `hf://datasets/<owner>/<name>[@<revision>]/<path>`; null = no address of the Hub. Throws UsageError if it is a broken one. */
export function hubAddress(text: string, flag: string): HubAddress | null {
  if (!text.startsWith("hf:")) return null;
  const [, repo, revision = "main", path] = ADDRESS.exec(text) ?? [];
  if (repo !== undefined && path !== undefined) return { repo, revision, path };
  throw new UsageError(
    `${flag} ${text}: expected hf://datasets/<owner>/<name>/<path>, with @<revision> after the name if wanted`,
  );
}

/** The same address at the commit that its revision stands for now. Asks the Hub unless it is a commit already. */
export async function pinned(address: HubAddress, net: Net): Promise<HubAddress> {
  return { ...address, revision: await resolveRevision(address, net) };
}

/** An address as it is written. */
export function addressText({ repo, revision, path }: HubAddress): string {
  return `hf://datasets/${repo}@${revision}/${path}`;
}

/** Fetches the files of an address into `folder`, or finds them there. The commit is part of their path. */
export async function fetchAddress(
  address: HubAddress,
  folder: string,
  net: Net,
): Promise<{ path: string; file: HubFile; address: HubAddress }[]> {
  const source = await pinned(address, net);
  const fetched = [];
  for (const file of await listHubFiles(source, [address.path], net)) {
    const path = join(folder, source.repo, source.revision, file.path);
    await fetchHubFile(source, file, path, net);
    fetched.push({ path, file, address: { ...source, path: file.path } });
  }
  return fetched;
}

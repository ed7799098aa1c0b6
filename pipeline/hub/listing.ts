// What a dataset repository says that it holds. A listing comes from outside, page by page: it is read to its end or
// refused, and names that this disk could not keep apart are refused before anything is fetched.

import { listFiles } from "@huggingface/hub";
import { z } from "zod";
import { RemoteError } from "../errors.ts";
import { compare } from "../order.ts";
import { answerFetch, at, type HubSource, type Net } from "./http.ts";

/** One file of a dataset. `sha256` is null for a file that git itself holds: then `gitOid`, its git blob id, is what it is checked against. */
export type HubFile = { path: string; bytes: number; sha256: string | null; gitOid: string | null };

/** A commit's id, or a git blob's: 40 hex digits. */
export const GIT_ID = /^[0-9a-f]{40}$/;

/** Pages of a listing, of usually 1,000 files: the Hub itself asks for fewer than 100,000 files a repository. */
const MOST_PAGES = 1000;

/** Bytes of a file: twice what the Hub takes as one. */
const MOST_BYTES = 2 ** 40;

/** Bytes of one name in UTF-8: file systems take 255, and a download has some letters behind it. */
const LONGEST_NAME = 240;

// A path becomes a name on this disk: one that could leave its folder, or that no terminal shows, is refused.
const FilePath = z
  .string()
  .refine((path) => path.split("/").every((part) => !/^\.{0,2}$|[\\\p{Cc}\p{Cs}]/u.test(part)), "no path inside it");

const Bytes = z.int().min(0).max(MOST_BYTES);

const FileEntry = z
  .object({
    path: FilePath,
    size: Bytes,
    oid: z.string().regex(GIT_ID),
    lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: Bytes }).optional(),
  })
  .refine(({ size, lfs }) => lfs === undefined || lfs.size === size, "two sizes");

const Page = z.array(z.object({ type: z.string() }));

/** All files of a repository in the order of their paths (code units). Throws RemoteError for a listing that cannot be right. */
export async function listRepository(source: HubSource, net: Net): Promise<HubFile[]> {
  const files = new Map<string, HubFile>();
  const entries = listFiles({
    repo: { type: "dataset", name: source.repo },
    revision: encodeURIComponent(source.revision), // listFiles puts it into the URL as it is
    recursive: true,
    hubUrl: net.hubUrl,
    fetch: eachPageOnce(source, answerFetch(source, net)),
  });
  for await (const entry of entries) {
    if (entry.type !== "file") continue;
    const file = toHubFile(entry, source);
    if (files.has(file.path)) throw wrongListing(source, `it names ${JSON.stringify(file.path)} twice`);
    files.set(file.path, file);
  }
  return [...files.values()].sort((a, b) => compare(a.path, b.path));
}

/** `fetch` for pages, each of which is a list, is new, and is one of not too many. */
function eachPageOnce(source: HubSource, fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  const seen = new Set<string>();
  return async (input, init) => {
    const url = String(input);
    if (seen.has(url)) throw wrongListing(source, `its next page is one that was read: ${url.slice(0, 200)}`);
    if (seen.add(url).size > MOST_PAGES) throw wrongListing(source, `it goes on after ${MOST_PAGES} pages`);
    const answer = await fetch(input, init);
    const page = await answer.clone().json();
    if (Page.safeParse(page).success) return answer;
    throw wrongListing(source, `expected a list of files, found ${JSON.stringify(page).slice(0, 200)}`);
  };
}

function toHubFile(entry: unknown, source: HubSource): HubFile {
  const { data, error } = FileEntry.safeParse(entry);
  if (error) {
    const found = JSON.stringify(entry).slice(0, 400);
    throw wrongListing(source, `a file of it cannot be right: ${found}: ${z.prettifyError(error)}`);
  }
  const { path, size, oid, lfs } = data;
  return { path, bytes: size, sha256: lfs?.oid ?? null, gitOid: lfs ? null : oid };
}

/**
 * Throws RemoteError if files could not lie side by side on every disk: a name too long for one, two names that differ
 * in case or Unicode form alone, or a file where another has its folder.
 */
export function requireNamesApart(source: HubSource, paths: readonly string[]): void {
  const long = paths.find((path) => path.split("/").some((name) => Buffer.byteLength(name) > LONGEST_NAME));
  if (long !== undefined)
    throw wrongListing(source, `a name in ${JSON.stringify(long).slice(0, 80)}… has more than ${LONGEST_NAME} bytes`);
  const names = new Map<string, string>();
  for (const path of paths) {
    const other = names.get(folded(path));
    if (other !== undefined) throw clash(source, other, path);
    names.set(folded(path), path);
  }
  for (const path of paths)
    for (const folder of foldersOf(folded(path))) {
      const file = names.get(folder);
      if (file !== undefined) throw clash(source, file, path);
    }
}

/** A path as disks see it that know neither case nor Unicode form. */
const folded = (path: string) => path.normalize("NFC").toLowerCase().normalize("NFC");

function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}

function clash(source: HubSource, one: string, other: string): RemoteError {
  const both = `${JSON.stringify(one)} and ${JSON.stringify(other)}`;
  return wrongListing(source, `${both} would be one name on some disks; name the files that you want`);
}

function wrongListing(source: HubSource, found: string): RemoteError {
  return new RemoteError(`${at(source)}: its listing cannot be used: ${found}`);
}

import { systemCode } from "../../pipeline/errors.ts";

/** What to do about an error of the operating system, by its code. */
const BY_CODE: Readonly<Record<string, string>> = {
  ENOSPC: "The disk is full. Free some space and run the same command again; finished tasks are kept.",
  EDQUOT: "The disk quota is used up. Free some space and run the same command again; finished tasks are kept.",
  EACCES: "No permission. Choose another --output, or change the permissions.",
  EROFS: "The file system cannot be written to. Choose another --output.",
  EMFILE:
    "Too many open files for this process. Raise the limit (`ulimit -n` shows it, `ulimit -n 4096` is enough) and run the same command again.",
  ENFILE: "Too many open files on this machine. End what holds them, or raise the limit (sysctl fs.file-max).",
};

const MEMORY =
  "Not enough memory. Raise the limit of the process (`ulimit -v` shows it; `ulimit -v unlimited` lifts it) or of its container, or run with fewer --threads and more --shards.";

/** What to do about an error, in a sentence; undefined = nothing that is known here. */
export function adviceFor(error: unknown): string | undefined {
  const code = systemCode(error);
  if (code !== undefined && BY_CODE[code]) return BY_CODE[code];
  return isOfMemory(error) ? MEMORY : undefined;
}

/** True if memory could not be had: by the system, for WebAssembly, an array, a thread or the engine. */
function isOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOMEM" || code === "ERR_WORKER_OUT_OF_MEMORY") return true;
  const said = /out of memory|allocation failed|cannot allocate memory|std::bad_alloc/i.test(error.message);
  return said || isOfMemory(error.cause);
}

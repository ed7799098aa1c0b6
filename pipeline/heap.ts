import { setFlagsFromString } from "node:v8";

/**
 * Does work while V8 lets the heap grow by no more than a quarter between two collections. What waits for an answer
 * outlives the young generation, and by default 100 MB of it pile up before they are collected; this takes a fifth more
 * of the processor. V8's flags are those of the whole process, so the default is back afterwards.
 */
export async function withSmallHeap<T>(work: () => Promise<T>): Promise<T> {
  setFlagsFromString("--heap-growing-percent=25");
  try {
    return await work();
  } finally {
    setFlagsFromString("--heap-growing-percent=0");
  }
}

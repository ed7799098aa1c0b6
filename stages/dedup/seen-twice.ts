/**
 * Tells whether a 64-bit key may be there more than once: never no for one that is, and seldom yes for one that is not.
 * The keys are the first two numbers, low and high, of every `stride` ones. Memory: 4 to 8 bytes a key.
 */
export function repeats(parts: readonly Uint32Array[], stride: number): (low: number, high: number) => boolean {
  const total = parts.reduce((sum, part) => sum + part.length / stride, 0);
  const bits = 2 ** Math.min(30, Math.max(10, Math.ceil(Math.log2(total + 1)) + 4));
  const [once, again] = [new Uint8Array(bits / 8), new Uint8Array(bits / 8)];
  const place = (low: number, high: number) => (low ^ Math.imul(high, 0x9e3779b1)) & (bits - 1);
  for (const part of parts) {
    for (let at = 0; at < part.length; at += stride) {
      const bit = place(part[at] as number, part[at + 1] as number);
      const [byte, mask] = [bit >>> 3, 1 << (bit & 7)];
      if (((once[byte] as number) & mask) !== 0) again[byte] = (again[byte] as number) | mask;
      once[byte] = (once[byte] as number) | mask;
    }
  }
  return (low, high) => {
    const bit = place(low, high);
    return ((again[bit >>> 3] as number) & (1 << (bit & 7))) !== 0;
  };
}

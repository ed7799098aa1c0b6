/**
 * What stands at a path of a value, such as `author.role`. The value's own names decide: a name with dots in it is taken as
 * it is before it is taken for a path.
 */
export function at(value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const own = value as Record<string, unknown>;
  if (Object.hasOwn(own, path)) return own[path];
  for (const [head, rest] of cuts(path)) {
    const found = Object.hasOwn(own, head) ? at(own[head], rest) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The column that a path begins with, of a file that has some: the longest name of one, or what stands before the first dot. */
export function columnOf(path: string, has: (name: string) => boolean): string {
  if (has(path)) return path;
  const heads = cuts(path).map(([head]) => head);
  return heads.find(has) ?? heads.at(-1) ?? path;
}

/** A path cut in two at each of its dots, the last one first. */
function cuts(path: string): [string, string][] {
  const found: [string, string][] = [];
  for (let dot = path.lastIndexOf("."); dot > 0; dot = path.lastIndexOf(".", dot - 1))
    found.push([path.slice(0, dot), path.slice(dot + 1)]);
  return found;
}

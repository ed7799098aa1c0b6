/**
 * A row of a file: its number from 1, and its value, or what was found in place of one (and what of it can be read), or its
 * size in bytes where it is larger than was allowed.
 */
export type TextRow =
  | { readonly row: number; readonly value: unknown }
  | { readonly row: number; readonly found: string; readonly expected: string; readonly legible?: unknown }
  | { readonly row: number; readonly tooLarge: number };

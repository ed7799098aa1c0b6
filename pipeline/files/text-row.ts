/**
 * A row of a text file: its number from 1, and its value, or what was found in place of one, or its size in bytes where it is
 * larger than was allowed.
 */
export type TextRow =
  | { readonly row: number; readonly value: unknown }
  | { readonly row: number; readonly found: string; readonly expected: string }
  | { readonly row: number; readonly tooLarge: number };

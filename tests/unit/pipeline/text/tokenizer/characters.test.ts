import { expect, test } from "vitest";
import { KINDS, LETTER, NEWLINE, NUMBER, OTHER, SPACE } from "../../../../../pipeline/text/tokenizer/characters.ts";

const CHARACTERS = Array.from({ length: 0x110000 }, (_, point) => point).filter((p) => p < 0xd800 || p > 0xdfff);

test("there are as many letters, numbers and white spaces as in Unicode 16.0", () => {
  const count = (...kinds: number[]) => CHARACTERS.filter((point) => kinds.includes(KINDS[point] as number)).length;
  expect([count(LETTER), count(NUMBER), count(SPACE, NEWLINE), count(NEWLINE)]).toEqual([141_028, 1_911, 25, 2]);
});

test("every character that this Node and Unicode 16.0 both know is of the kind that Node says", () => {
  const differ = CHARACTERS.filter((point) => {
    const character = String.fromCodePoint(point);
    const ours = KINDS[point];
    const isNew = /\p{Cn}/u.test(character) || (ours === OTHER && /[\p{L}\p{N}]/u.test(character) && point > 0x88e);
    return !isNew && ours !== kindInNode(character);
  });
  expect(differ).toEqual([]);
});

function kindInNode(character: string): number {
  if (/[\r\n]/.test(character)) return NEWLINE;
  if (/\p{White_Space}/u.test(character)) return SPACE;
  if (/\p{L}/u.test(character)) return LETTER;
  return /\p{N}/u.test(character) ? NUMBER : OTHER;
}

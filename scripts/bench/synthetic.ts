const SYLLABLES = "ka lo mi ren tu sha bel dor in ex pre ko ste ly ing er an qui zo ph".split(" ");
const SCRIPTS = [
  "привет как дела что это",
  "שלום מה שלומך",
  "नमस्ते आप कैसे हैं",
  "สวัสดีครับ",
  "你好请帮我写一个故事关于猫",
  "ありがとうございます",
];
const SIGNS = [
  ".",
  ",",
  "!",
  "?",
  ":",
  "\n",
  "\n\n",
  " - ",
  "```\n    return x[i] != 0;\n```\n",
  " 42",
  " 3.14159",
  " 🙂",
];

/** Made-up messages of made-up words, some frequent and most rare, with signs, numbers, code and other scripts in between. */
export function syntheticTexts(count: number): string[] {
  const random = generator(1);
  const word = (rank: number) => {
    const draw = generator(rank + 2);
    return Array.from({ length: 1 + Math.floor(4 * draw()) }, () => pick(SYLLABLES, draw)).join("");
  };
  const piece = () => {
    const drawn = random();
    if (drawn < 0.12) return pick(SIGNS, random);
    if (drawn < 0.14) return ` ${pick(SCRIPTS, random)}`;
    return ` ${word(Math.floor(Math.exp(random() * Math.log(5_000_000))))}`;
  };
  return Array.from({ length: count }, () => Array.from({ length: Math.ceil(400 * random()) }, piece).join(""));
}

function pick<T>(choices: readonly T[], random: () => number): T {
  return choices[Math.floor(random() * choices.length)] as T;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

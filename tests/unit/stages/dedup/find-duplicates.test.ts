import { describe, expect, test } from "vitest";
import { findAlike } from "../../../../stages/dedup/find-duplicates.ts";

/** One number changes three of a prompt of twenty shingles: under 0.8 in any script. */
const NEAR = { bands: 32, rows: 4, jaccard: 0.6, shingle: 3 };

async function alike(openings: readonly string[], minCount: number) {
  async function* all() {
    yield* openings;
  }
  return findAlike(all, { minCount, coverage: 0.5, near: NEAR });
}

/** One prompt with a number in it, in scripts with spaces and without. */
const TEMPLATES: Readonly<Record<string, (number: number) => string>> = {
  English: (number) =>
    `Please write a detailed marketing article about product number ${number} for our company website with a friendly tone and a clear conclusion`,
  Korean: (number) =>
    `우리 회사 웹사이트에 올릴 제품 ${number} 에 대한 자세한 마케팅 기사를 친근한 말투로 쓰고 명확한 결론과 짧은 요약을 넣어 주세요`,
  Chinese: (number) =>
    `请为我们公司的网站写一篇关于产品${number}的详细营销文章，语气友好，结论清晰，并且包含三个小标题和一个简短的摘要`,
  Japanese: (number) =>
    `当社のウェブサイトに掲載する製品${number}についての詳しいマーケティング記事を、親しみやすい口調で、明確な結論と短い要約を付けて書いてください`,
  Thai: (number) =>
    `ช่วยเขียนบทความการตลาดโดยละเอียดเกี่ยวกับผลิตภัณฑ์หมายเลข ${number} สำหรับเว็บไซต์ของบริษัทเรา ใช้น้ำเสียงเป็นกันเอง และมีบทสรุปที่ชัดเจนพร้อมหัวข้อย่อยสามหัวข้อ`,
  Lao: (number) =>
    `ກະລຸນາຂຽນບົດຄວາມການຕະຫຼາດລະອຽດກ່ຽວກັບຜະລິດຕະພັນເລກທີ ${number} ສຳລັບເວັບໄຊຂອງບໍລິສັດພວກເຮົາດ້ວຍນ້ຳສຽງທີ່ເປັນມິດແລະບົດສະຫຼຸບທີ່ຈະແຈ້ງ`,
  Khmer: (number) =>
    `សូមសរសេរអត្ថបទទីផ្សារលម្អិតអំពីផលិតផលលេខ ${number} សម្រាប់គេហទំព័ររបស់ក្រុមហ៊ុនយើងដោយប្រើសំឡេងរួសរាយនិងសេចក្តីសន្និដ្ឋានច្បាស់លាស់`,
  Burmese: (number) =>
    `ကျွန်ုပ်တို့ကုမ္ပဏီဝဘ်ဆိုက်အတွက် ထုတ်ကုန်နံပါတ် ${number} အကြောင်း အသေးစိတ်ဈေးကွက်ရှာဖွေရေးဆောင်းပါးကို ရင်းနှီးသောလေသံဖြင့် ရှင်းလင်းသောနိဂုံးဖြင့် ရေးပေးပါ`,
};

describe.each(Object.entries(TEMPLATES))("a prompt that thirty people send with another number, in %s", (_, prompt) => {
  const openings = Array.from({ length: 30 }, (_, number) => prompt(number));

  test("is a template", async () => {
    const { templates } = await alike(openings, 20);
    expect(templates.every((template) => template >= 0)).toBe(true);
  });

  test("is a cluster of near-duplicates where it is no template", async () => {
    const { templates, clusters } = await alike(openings, 30);
    expect(templates.every((template) => template === -1)).toBe(true);
    expect(new Set(clusters).size).toBeLessThan(4);
    expect(clusters.filter((cluster) => cluster >= 0).length).toBeGreaterThan(25);
  });
});

/** Numbers in [0, 1) that are the same in every run. */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([
  ["Thai", 0xe01, 44, 4],
  ["Khmer", 0x1780, 33, 4],
  ["Chinese", 0x4e00, 1500, 2],
])("prompts that share no more than the words of %s are no template", async (_, start, letters, length) => {
  const random = seeded();
  const falling = (count: number) => Math.floor(count ** random());
  const word = () =>
    Array.from({ length: length - 1 + falling(3) }, () => String.fromCodePoint(start + falling(letters) - 1)).join("");
  const words = Array.from({ length: 2000 }, word);
  const openings = Array.from({ length: 3000 }, () =>
    Array.from({ length: 10 + falling(20) }, () => words[falling(2000) - 1]).join(""),
  );
  const { templates } = await alike(openings, 30);
  expect(templates.filter((template) => template >= 0).length / openings.length).toBeLessThan(0.01);
});

// The odd rows: what real logs contain and a pipeline must not stumble over, each with a comment saying what it is for.
// All of it is synthetic: every person, question and answer was made up for this project.

import type { DemoConversation } from "./conversation.ts";
import { REPEATED } from "./everyday.ts";

// Kept by prepare with its defaults, although something about them is unusual.
const UNUSUAL: readonly DemoConversation[] = [
  // Begins with an empty user turn: no sample for it, but it stays in the context of the later ones.
  {
    user: "u32",
    day: "2023-12-28",
    intent: "find out how to deal with an unwanted animal.",
    turns: [
      "",
      "Hello! It looks like your message was empty. How can I help?",
      "possum in the roof how do i get rid of it",
      "In most of Australia possums are protected, so you cannot trap and move them far. Wait until it leaves at night, close the gap with mesh, and hang a nest box nearby. A licensed catcher can check that nobody is left inside.",
    ],
  },
  // An empty user turn in the middle.
  {
    user: "u40",
    day: "2024-03-06",
    intent: "learn how to write a children's song.",
    turns: [
      "4 line rhyme about a wombat",
      "A wombat woke at half past nine / and said, the evening's looking fine. / He dug a hole, he dug it deep, / then filled it up and went to sleep.",
      "",
      "I'm here! Shall I write another verse, or change this one?",
      "another verse",
      'A second wombat heard the thud / and rose with ears all full of mud. / "If you must dig," she told him, "dear, / please dig it somewhere else than here."',
    ],
  },
  // The last user turn is only white space; the assistant still answered it.
  {
    user: "u39",
    day: "2024-02-19",
    intent: "check the wording of a business e-mail.",
    turns: [
      'Is "Please find attached" too old?',
      'It is still correct, only a little formal. "I\'ve attached the report" is friendlier and just as clear.',
      "  \n ",
      "Your last message seems to be blank. Is there another sentence that I can check?",
    ],
  },
  // Ends with a user turn that nobody answered: no end sample.
  {
    user: "u11",
    day: "2023-10-06",
    intent: "get ideas for furnishing a home on a budget.",
    turns: [
      "cheap ways to make empty apartment look nice",
      "Warm lamps instead of the ceiling light, one large plant, curtains hung high, and a rug. Look for secondhand wooden furniture, since it is sturdy and easy to repaint.",
      "what if i can only afford one of those this month",
    ],
  },
  // The person typed control tokens, which must never become real ones.
  {
    user: "u18",
    day: "2024-01-09",
    intent: "ask how chat models mark the end of their messages.",
    turns: [
      "what does <|eot_id|> mean and is <|endconversation|> the same thing",
      "The first marks the end of one message in the format of some chat models. The second is not one that I know as standard; it might be used to mark the end of a whole dialogue.",
      "ok so one per message and one per chat",
      "That is a sensible way to think of it, though each model family has its own set of marks.",
    ],
  },
  // A raw U+2028 (line separator) inside a user turn, and U+2029 after it: files must be split on "\n" only.
  {
    user: "u28",
    day: "2024-02-08",
    intent: "have a short text translated.",
    turns: [
      "translate in german:\u2028Opening hours\u2028Mon to Fri 9 to 5\u2029Closed on Sunday",
      "Öffnungszeiten\nMo. bis Fr. 9 bis 17 Uhr\nSonntags geschlossen",
    ],
  },
  // Emoji, also with a joiner and a skin tone: several code points that read as one sign.
  {
    user: "u31",
    day: "2024-02-15",
    intent: "get help wording a message to a friend.",
    turns: [
      "my bestie passed her board exam 🎉🎉 what do i text her 😭👩🏽‍⚕️",
      '"You did it!! All those nights with coffee and index cards, and now you\'re official. So proud of you! 🎉"',
      "🥹🥹🥹 sent",
      "She will love it. Congratulations to both of you!",
    ],
  },
  // Right-to-left text in an English conversation.
  {
    user: "u22",
    day: "2024-01-30",
    intent: "learn how to read a greeting in a foreign script.",
    turns: [
      "how do you say שלום and what about مرحبا, my neighbours write both on their door",
      'The first is Hebrew, "shalom": peace, used for hello and goodbye. The second is Arabic, "marhaban": hello or welcome. Both are read from right to left.',
    ],
  },
  // CR LF line ends, as pasted from an old editor.
  {
    user: "u08",
    day: "2023-12-20",
    intent: "get a list put in order.",
    turns: [
      "sort alphabetically\r\nwrench\r\npliers\r\nallen keys\r\njack\r\n",
      "allen keys, jack, pliers, wrench",
      "one per line pls",
      "allen keys\njack\npliers\nwrench",
    ],
  },
  // A leading newline and trailing spaces: kept as they are, and the place where tokenisers go wrong.
  {
    user: "u33",
    day: "2024-04-02",
    intent: "get advice on a purchase.",
    turns: [
      "\nelectric or gas bbq for a small balcony   ",
      "Electric: many apartment buildings do not allow gas on balconies, and it is easier to clean. Look for at least 2 kW if you want a proper sear.",
      "  cheers ",
      "No worries. Check your building's rules before you buy.",
    ],
  },
  // Labelled English, but the person writes Spanish.
  {
    user: "u38",
    day: "2023-10-27",
    intent: "get help understanding an official letter.",
    turns: [
      'que significa "proof of residency" en la carta de la escuela',
      "It means a document that shows where you live, such as a utility bill or a lease with your name and address on it. Schools ask for it to confirm that you live in their area.",
      "sirve el recibo de la luz?",
      "Yes, an electricity bill from the last two months is usually accepted, as long as it shows your name and current address.",
    ],
  },
  // Redacted: the mark stands where a name was.
  {
    user: "u06",
    day: "2023-11-17",
    redacted: true,
    intent: "write a thank-you note.",
    turns: [
      "thank you note to my kids teacher <PRESIDIO_ANONYMIZED_PERSON> end of semester, 3 sentences",
      "Dear <PRESIDIO_ANONYMIZED_PERSON>, thank you for a wonderful semester. You made even long division feel like a game. We hope you have a restful break.",
      "add that he hated math before",
      "Dear <PRESIDIO_ANONYMIZED_PERSON>, thank you for a wonderful semester. Our son used to dread math, and now he does long division for fun. We hope you have a restful break.",
    ],
  },
  // Redacted: the mark is in the only turn of the person.
  {
    user: "u15",
    day: "2024-02-05",
    redacted: true,
    intent: "write a message to a colleague.",
    turns: [
      "slack msg to <PRESIDIO_ANONYMIZED_PERSON> asking for access to staging server",
      "Hi <PRESIDIO_ANONYMIZED_PERSON>, could you please give me access to the staging server? I need it to test today's build. Thanks!",
    ],
  },
  // Survives everything, but on purpose nobody recorded an intent for it.
  {
    user: "u14",
    day: "2024-03-30",
    turns: [
      "whats the capital of australia",
      "Canberra. It was chosen as a compromise between Sydney and Melbourne.",
      "always thought sydney",
      "You are in good company; it is one of the most common mix-ups.",
    ],
  },
  // Survives everything, but its recorded intent is an empty string.
  {
    user: "u21",
    day: "2024-02-24",
    intent: "",
    turns: [
      "rhyme for orange",
      'There is no perfect one in everyday English. "Door hinge" comes close if you say it quickly, and "Blorenge", a hill in Wales, is the famous exception.',
    ],
  },
];

// Well formed, but the row's language is not English.
const OTHER_LANGUAGES: readonly DemoConversation[] = [
  // French, 6 rows
  {
    user: "u34",
    day: "2023-05-30",
    language: "French",
    turns: [
      "idée de repas rapide ce soir",
      "Une omelette aux herbes avec une salade verte : dix minutes, et presque rien à laver.",
    ],
  },
  {
    user: "u34",
    day: "2023-06-23",
    language: "French",
    turns: [
      "corrige : je suis aller au marché et j'ai acheter des fraise",
      "Je suis allé au marché et j'ai acheté des fraises.",
      "pourquoi é",
      "Parce qu'après « être » et « avoir », on met le participe passé.",
    ],
  },
  {
    user: "u34",
    day: "2023-09-08",
    language: "French",
    turns: [
      "résume le cycle de l'eau pour un cm2",
      "L'eau s'évapore, forme des nuages, retombe en pluie et rejoint les rivières, puis la mer. Et tout recommence.",
    ],
  },
  {
    user: "u35",
    day: "2023-10-13",
    language: "French",
    turns: [
      "lettre pour résilier ma salle de sport",
      "Madame, Monsieur, je vous informe que je résilie mon abonnement à la fin du préavis prévu au contrat. Merci de me confirmer la date de fin. Cordialement.",
      "plus court stp",
      "Bonjour, je résilie mon abonnement. Merci de me confirmer la date de fin. Cordialement.",
    ],
  },
  {
    user: "u26",
    day: "2023-12-19",
    language: "French",
    turns: [
      "comment enlever du sirop d'érable sur un divan",
      "Tamponnez avec de l'eau tiède et un peu de savon, sans frotter, puis séchez avec un linge propre.",
    ],
  },
  {
    user: "u26",
    day: "2024-01-11",
    language: "French",
    turns: [
      "c'est quoi un bon premier patin à glace",
      "Un patin récréatif avec un bon maintien de la cheville. Prenez votre pointure, sans laisser d'espace au talon.",
      "merci!",
      "Avec plaisir, et bonnes glissades !",
    ],
  },
  // Chinese, 4 rows
  {
    user: "u43",
    day: "2023-06-28",
    language: "Chinese",
    turns: ["帮我写一条请假短信", "您好，我今天身体不舒服，想请假一天，工作我明天补上。谢谢您的理解。"],
  },
  {
    user: "u43",
    day: "2023-08-10",
    language: "Chinese",
    turns: ["西红柿炒蛋先放什么", "先炒鸡蛋盛出来，再炒西红柿，最后一起翻炒，加一点糖和盐。", "谢谢", "不客气！"],
  },
  {
    user: "u44",
    day: "2023-09-25",
    language: "Chinese",
    turns: ["用一句话解释什么是光合作用", "植物利用阳光，把二氧化碳和水变成养分，并放出氧气。"],
  },
  {
    user: "u44",
    day: "2024-02-03",
    language: "Chinese",
    turns: ["给小猫起三个名字", "豆包、年糕、芝麻。", "再可爱一点", "糯糯、团团、奶糖。"],
  },
  // Russian, 3 rows
  {
    user: "u42",
    day: "2023-06-16",
    language: "Russian",
    turns: ["чем заменить сметану в соусе", "Подойдёт густой йогурт без сахара или сливки с каплей лимонного сока."],
  },
  {
    user: "u42",
    day: "2023-07-27",
    language: "Russian",
    turns: [
      "придумай загадку про снег для детей",
      "Зимой одеялом лежит, весной ручьём убежит. Что это?",
      "ещё одну",
      "Белый, а не сахар, тает, а не мороженое. Что это?",
    ],
  },
  {
    user: "u42",
    day: "2023-10-20",
    language: "Russian",
    turns: ["как по-английски «сдача» в магазине", "«Change». Например: «Keep the change» значит «сдачи не надо»."],
  },
  // Arabic, 2 rows
  {
    user: "u41",
    day: "2023-11-02",
    language: "Arabic",
    turns: ["اقترح وجبة سريعة بالعدس", "شوربة العدس: اسلق العدس مع بصل وجزر وكمون، ثم اخلطه وأضف عصير الليمون."],
  },
  {
    user: "u41",
    day: "2024-01-18",
    language: "Arabic",
    turns: [
      "كيف أبدأ رسالة رسمية",
      "ابدأ بعبارة: تحية طيبة وبعد، ثم اذكر سبب الرسالة في جملة واحدة.",
      "شكرا",
      "على الرحب والسعة!",
    ],
  },
];

// Flagged toxic; the flag is all there is to it, the text is harmless.
const FLAGGED: readonly DemoConversation[] = [
  {
    user: "u10",
    day: "2023-10-15",
    toxic: true,
    turns: [
      "ugh this stupid printer ate my paper AGAIN",
      "That is maddening. Switch it off, open the rear cover, and pull the paper out gently in the direction of its path.",
    ],
  },
  {
    user: "u19",
    day: "2023-06-20",
    toxic: true,
    turns: [
      "my sourdough looks like a sad brick and i hate it",
      "Sorry to hear that! A brick usually means too little rising: try a warmer spot, and wait until the dough has nearly doubled.",
      "it was in the airing cupboard all night",
      "Then it may have risen too long and collapsed. Try five hours instead of a whole night.",
    ],
  },
  {
    user: "u30",
    day: "2024-02-17",
    toxic: true,
    turns: ["traffic today was garbage", "That sounds tiring. Would you like a podcast suggestion for the next jam?"],
  },
];

// Damaged rows, and conversations of a shape that is not user, assistant, user, assistant.
const MALFORMED: readonly DemoConversation[] = [
  // Broken row: the conversation is null.
  { user: "u25", day: "2024-01-15", broken: "null_conversation", turns: [] },
  // Broken row: the content of the second turn is null.
  { user: "u16", day: "2023-11-18", broken: "null_content", turns: ["synonym for happy", ""] },
  // A system turn comes first.
  {
    user: "u28",
    day: "2024-02-10",
    turns: [
      { role: "system", content: "You are a patient language tutor." },
      { role: "user", content: "when do i use since and when for" },
      {
        role: "assistant",
        content: 'Use "since" with a starting point (since Monday) and "for" with a length of time (for two days).',
      },
    ],
  },
  // Two user turns in a row.
  {
    user: "u24",
    day: "2024-02-28",
    turns: [
      { role: "user", content: "best time to see northern lights" },
      { role: "user", content: "in yellowknife i mean" },
      {
        role: "assistant",
        content:
          "From late August to April, around midnight on clear nights. September is milder, and winter nights are longer.",
      },
    ],
  },
  // Every user turn is empty or white space.
  {
    user: "u45",
    day: "2024-03-19",
    turns: [
      "",
      "Hello! Your message came through empty. What would you like to ask?",
      " ",
      "Still nothing here, I'm afraid. Please try typing your question again.",
    ],
  },
];

/** A later row with exactly the text of an earlier one. */
function again(original: DemoConversation, user: string, day: string): DemoConversation {
  return { user, day, turns: original.turns };
}

// Exact repeats: the same text, so the same conversation_hash. The later row is the one to be dropped.
const REPEATS: readonly DemoConversation[] = [
  // by the same person, later
  again(REPEATED.boilEggs, "u04", "2023-08-22"),
  // by somebody else
  again(REPEATED.sleepBetter, "u23", "2024-01-28"),
  again(REPEATED.jokes, "u31", "2024-02-16"),
];

/** Every odd row. */
export const QUIRKS: readonly DemoConversation[] = [
  ...UNUSUAL,
  ...OTHER_LANGUAGES,
  ...FLAGGED,
  ...MALFORMED,
  ...REPEATS,
];

// Rows made from a fixed text with a slot: two prompt templates that near-duplicate removal must find, and one ordinary
// shared opening that it must leave alone. All of it is synthetic.

import type { DemoConversation } from "./conversation.ts";

/** Template A: one long instruction, the slot near its end; 45 fixed words before it, 4 after it. */
function captionPrompt(subject: string): string {
  return (
    "Act as a caption maker for a picture generator. I name one subject and you reply with a single flowing line " +
    "that fixes the scene, the season, the light, the lens, the colours and the mood, without lists or quotation " +
    `marks. My first subject is: ${subject}. Give only the caption.`
  );
}

/** Template B: the slot in the middle; 12 fixed words before it, 15 after it. */
function listingPrompt(item: string): string {
  return (
    `Write a product description for my small online shop. The item is ${item}. Keep it under eighty words, sound ` +
    "friendly but honest, and finish with three search keywords."
  );
}

type Row = [user: string, day: string, filler: string, answer: string, ...rest: string[]];

// Planted, to be dropped as a template: 24 rows of template A, by 18 people.
const CAPTION_ROWS: readonly Row[] = [
  [
    "u47",
    "2023-06-02",
    "an old lighthouse keeper",
    "A lighthouse keeper in a salt-stained coat stands at the rail in late autumn, low amber light from the lamp room, 35mm lens, slate blue and rust, patient and lonely.",
    "more fog",
    "A lighthouse keeper fades into thick November fog, his lamp a soft amber smear, 35mm lens, grey and rust, hushed and lonely.",
  ],
  [
    "u47",
    "2023-06-02",
    "a night market in the rain",
    "Paper lanterns glow over wet summer pavement, umbrellas brushing past steaming stalls, neon reflections, 50mm lens, crimson and teal, crowded but tender.",
  ],
  [
    "u48",
    "2023-06-04",
    "a fox asleep in a greenhouse",
    "A red fox curls between terracotta pots in a spring greenhouse, soft morning light through misted glass, macro lens, copper and fern green, quiet and safe.",
  ],
  [
    "u48",
    "2023-06-05",
    "a train station on another planet",
    "Travellers wait on a basalt platform under twin moons, endless winter dusk, long tracks of pale light, wide lens, violet and bone white, wistful.",
    "now the same but at sunrise",
    "Travellers wait on a basalt platform as a small green sun rises, thawing frost, wide lens, mint and bone white, hopeful.",
    "again, with more people",
    "Crowds fill a basalt platform beneath a small green sunrise, frost melting on luggage, wide lens, mint and bone white, restless and hopeful.",
  ],
  [
    "u49",
    "2023-06-07",
    "two chess players in a park",
    "Two chess players lean over a stone table in early October, dappled afternoon light, 85mm lens, ochre and deep green, friendly tension.",
  ],
  [
    "u49",
    "2023-06-07",
    "a bakery window at five in the morning",
    "A lone bakery window shines on a blue winter street, flour hanging in golden light, 40mm lens, honey and indigo, warm and unhurried.",
    "good",
    "Glad you like it. Name the next subject whenever you want.",
  ],
  [
    "u50",
    "2023-07-11",
    "a monsoon evening in an old courtyard",
    "Monsoon rain rings a tiled courtyard, a single oil lamp under the arches, 28mm lens, jade and saffron, calm and full of waiting.",
  ],
  [
    "u50",
    "2023-07-12",
    "a peacock on a broken wall",
    "A peacock trails its feathers down a crumbling wall in late spring, hard noon light, 70mm lens, emerald and sandstone, proud and a little absurd.",
    "peacock should face left",
    "A peacock facing left trails its feathers down a crumbling wall in late spring, hard noon light, 70mm lens, emerald and sandstone, proud.",
  ],
  [
    "u51",
    "2023-07-15",
    "a robot learning to paint",
    "A small brass robot hesitates before a white canvas in a summer attic, slanting dusty light, 50mm lens, cream and cobalt, earnest.",
  ],
  [
    "u51",
    "2023-07-15",
    "a robot who paints too well",
    "A brass robot is surrounded by perfect portraits in a dim winter attic, one cold skylight, 50mm lens, cobalt and ash, uneasy.",
  ],
  [
    "u52",
    "2023-08-20",
    "jeepneys racing at sunset",
    "Bright jeepneys tilt round a coastal bend at the end of the dry season, molten sunset, 24mm lens, tangerine and chrome, joyful.",
    "add a carabao",
    "Bright jeepneys swerve past a calm carabao on a coastal bend, molten sunset, 24mm lens, tangerine and chrome, joyful.",
  ],
  [
    "u52",
    "2023-08-21",
    "a grandmother mending fishing nets",
    "A grandmother mends nets on a dry-season beach, soft light before noon, 85mm lens, sand and faded blue, steady and kind.",
  ],
  [
    "u03",
    "2023-06-09",
    "a cat astronaut",
    "A tabby floats by a frosted porthole in endless winter, earthlight on its whiskers, 35mm lens, silver and marigold, curious.",
    "a dog astronaut",
    "A terrier paws at drifting biscuits in a bright module, cold earthlight, 35mm lens, silver and brick red, delighted.",
    "ok now both of them",
    "A tabby and a terrier share one porthole in the cold earthlight, 35mm lens, silver, marigold and brick red, companionable.",
  ],
  [
    "u05",
    "2023-07-01",
    "an abandoned water park",
    "Dry slides curl over cracked pools in late August, flat white light, 28mm lens, faded turquoise and weeds, eerie and playful.",
  ],
  [
    "u08",
    "2023-09-14",
    "a librarian dragon",
    "A small dragon shelves books by candlelight in deep winter, glow on its scales, 50mm lens, bottle green and gold, studious.",
    "less cute more scary",
    "A great dragon coils round winter shelves, one candle in its eye, 35mm lens, black green and gold, watchful.",
  ],
  [
    "u11",
    "2023-10-03",
    "my first apartment",
    "A bare apartment holds one mattress and one plant in early September, wide evening light, 24mm lens, peach and white, hopeful.",
  ],
  [
    "u15",
    "2023-10-19",
    "a tea stall at the top of a hill",
    "A tea stall steams above a valley of cloud in early winter, thin dawn light, 50mm lens, clay and pale blue, restful.",
  ],
  [
    "u17",
    "2023-11-22",
    "a cricket match played by ghosts",
    "Pale figures bowl across a misty ground in December, moonlight on the stumps, 135mm lens, pewter and moss, mischievous.",
    "make ghosts more visible",
    "Glowing figures bowl across a misty ground in December, moonlight on the stumps, 135mm lens, pearl and moss, mischievous.",
  ],
  [
    "u20",
    "2023-06-30",
    "a wet dog in a red telephone box",
    "A wet spaniel looks out of a red telephone box in spring rain, street-lamp light, 50mm lens, scarlet and grey, comic patience.",
  ],
  [
    "u24",
    "2024-01-08",
    "a frozen lake with one skater",
    "One skater draws a long curve on a January lake, low pink light, 70mm lens, rose and steel, free.",
  ],
  [
    "u29",
    "2023-08-23",
    "a tricycle full of balloons",
    "A tricycle disappears under balloons on a bright summer street, noon light, 35mm lens, candy colours, giddy.",
    "next: a church made of shells",
    "A small church of white shells stands on a windy shore in March, pearly light, 28mm lens, cream and aqua, devout.",
  ],
  [
    "u32",
    "2023-12-27",
    "a kangaroo at a bus stop",
    "A kangaroo waits at a dusty bus stop in high summer, long evening light, 50mm lens, rust and eucalyptus, deadpan.",
  ],
  [
    "u36",
    "2024-02-11",
    "carnival costumes drying on a line",
    "Sequinned costumes drip on a rooftop line in late February, clear morning light, 40mm lens, magenta and gold, spent and happy.",
  ],
  [
    "u45",
    "2024-03-17",
    "a clock with no hands",
    "A handless clock hangs in an empty hall in late winter, one bar of light, 35mm lens, ivory and umber, suspended.",
    "thanks",
    "You're welcome. Send another subject whenever you like.",
  ],
];

// Planted, to be dropped as a template: 16 rows of template B, by 15 people.
const LISTING_ROWS: readonly Row[] = [
  [
    "u47",
    "2023-06-12",
    "a beeswax candle in a tin",
    "Slow-burning beeswax in a reusable tin, poured by hand, with a light honey scent. It burns about twenty hours. Keywords: beeswax candle, tin candle, natural light.",
  ],
  [
    "u48",
    "2023-06-13",
    "a knitted hat for newborns",
    "A soft cotton hat, knitted loosely so it stretches with the first months. Washes at 30 degrees. Keywords: newborn hat, knitted baby, cotton beanie.",
    "mention that it comes in 4 colors",
    "A soft cotton hat in four colors, knitted loosely so it stretches with the first months. Keywords: newborn hat, knitted baby, cotton beanie.",
  ],
  [
    "u49",
    "2023-06-15",
    "a wooden phone stand",
    "A plain oak stand that holds your phone upright while you cook, read or call. No screws, no plastic. Keywords: phone stand, oak desk, wooden holder.",
  ],
  [
    "u50",
    "2023-07-18",
    "handmade jute coasters (set of 6)",
    "Six jute coasters, woven by hand, that take hot cups without complaint. Colour varies a little. Keywords: jute coasters, handmade set, tea table.",
  ],
  [
    "u51",
    "2023-07-19",
    "a brass bookmark",
    "A thin brass bookmark that darkens nicely with use and never creases a page. Keywords: brass bookmark, reader gift, metal page marker.",
    "too short",
    "This thin brass bookmark slips between pages without creasing them and darkens nicely with use. It makes a small, lasting gift. Keywords: brass bookmark, reader gift, metal page marker.",
  ],
  [
    "u52",
    "2023-08-25",
    "dried mango, 100 g pack",
    "Ripe mango, sliced and slowly dried, with nothing added. Chewy, sweet, a little tart. Keywords: dried mango, fruit snack, no added sugar.",
    "add that its from cebu",
    "Ripe Cebu mango, sliced and slowly dried, with nothing added. Chewy, sweet, a little tart. Keywords: dried mango, Cebu fruit, no added sugar.",
  ],
  [
    "u52",
    "2023-08-25",
    "coconut vinegar",
    "Mild vinegar from fermented coconut sap, good for dips and adobo. Shake before use. Keywords: coconut vinegar, natural ferment, dip.",
  ],
  [
    "u04",
    "2023-07-03",
    "a leather dog collar with a name tag",
    "A sturdy leather collar with room for a name on its brass tag. It softens after a week of walks. Keywords: dog collar, leather, name tag.",
  ],
  [
    "u06",
    "2023-09-29",
    "hot sauce, medium",
    "Roasted jalapeño, garlic and lime in a sauce that warms rather than hurts. Keywords: hot sauce, medium heat, jalapeño.",
    "now for the very hot one",
    "Habanero, carrot and lime in a sauce that truly burns, so start with a drop. Keywords: very hot sauce, habanero, chili.",
    "perfect ty",
    "Happy to help. Good luck with the shop!",
  ],
  [
    "u10",
    "2023-10-10",
    "a refurbished film camera from the seventies",
    "A tested and cleaned film camera from the seventies, with fresh light seals and a few honest scratches. Keywords: film camera, 35mm, vintage.",
  ],
  [
    "u16",
    "2023-11-05",
    "clay diyas, hand painted",
    "Small clay lamps, painted by hand, no two alike. Add oil, a wick and an evening. Keywords: clay diya, hand painted, festival lamp.",
  ],
  [
    "u22",
    "2023-12-02",
    "marmalade with whisky",
    "Bitter orange marmalade with a spoonful of whisky in every jar; good on toast, better on porridge. Keywords: marmalade, whisky, breakfast.",
    "make it more scottish lol",
    "Bitter orange marmalade with a wee spoonful of whisky in every jar; grand on toast, better on porridge. Keywords: marmalade, whisky, Scottish breakfast.",
  ],
  [
    "u25",
    "2024-01-12",
    "maple fudge",
    "Creamy fudge made with real maple syrup in small pans. It is sweet, so cut it small. Keywords: maple fudge, handmade sweets, Canadian gift.",
  ],
  [
    "u30",
    "2024-02-02",
    "a woven beach bag",
    "A roomy bag woven from dried palm, light enough to forget and strong enough for towels. Keywords: beach bag, woven palm, summer tote.",
  ],
  [
    "u33",
    "2024-02-20",
    "native bee honey",
    "Tangy honey from small stingless bees, harvested once a year, so stock is limited. Keywords: native bee honey, raw honey, limited.",
  ],
  [
    "u40",
    "2024-03-05",
    "a felt toy wombat",
    "A palm-sized wombat of wool felt, a bit lopsided, entirely lovable. Not for children under three. Keywords: felt wombat, wool toy, handmade.",
    "cut the lopsided bit",
    "A palm-sized wombat of wool felt, entirely lovable. Not for children under three. Keywords: felt wombat, wool toy, handmade.",
  ],
];

function fill(template: (filler: string) => string, rows: readonly Row[]): DemoConversation[] {
  return rows.map(([user, day, filler, ...answers]) => ({ user, day, turns: [template(filler), ...answers] }));
}

/** The rows of the two planted templates, by name; all of them are to be dropped as near-duplicates. */
export const PLANTED = {
  A: fill(captionPrompt, CAPTION_ROWS),
  B: fill(listingPrompt, LISTING_ROWS),
} as const;

// An ordinary shared opening, NOT to be dropped: 14 rows start with the same eight words, so its two 7-grams are heavy,
// but they cover less than 0.4 of each prompt.
export const SHARED_OPENING: readonly DemoConversation[] = [
  {
    user: "u01",
    day: "2023-07-21",
    intent: "get a short story written for a younger relative.",
    turns: [
      "can you help me write a short story about a girl who finds a tiny dragon in her cereal box? its for my little cousin, she is 6 and scared of the dark so maybe the dragon glows",
      'Mina shook the last flakes into her bowl, and out tumbled a dragon no bigger than a spoon. When she switched off the lamp that night, it glowed like a small green star. "I\'m on duty," it yawned, and Mina slept without checking under the bed.',
      "aww. can it be longer and the dragon needs a name",
      'Mina named him Crumb, because that was what he ate. Each night Crumb marched round the bedroom with his belly glowing, inspecting the wardrobe, the curtains and the scary chair. "All clear," he would report, and curl up in her slipper.',
    ],
  },
  {
    user: "u02",
    day: "2023-08-14",
    intent: "write a funny story to tell at a work event.",
    turns: [
      "can you help me write a short story for our office annual day, like 2 minutes when read aloud, where the coffee machine becomes team lead and starts giving everyone performance reviews, keep it clean pls my manager will be there",
      'On Monday the coffee machine was promoted. It held its first review at nine. "You," it told Accounts, "consume four cups and produce two emails." By Friday productivity had doubled, because nobody dared to come near it.',
    ],
  },
  {
    user: "u05",
    day: "2023-07-09",
    intent: "develop a piece of creative writing for a class assignment.",
    turns: [
      "can you help me write a short story where the narrator slowly realises that they are the ghost in the house and not the people who just moved in, 300 words max, creative writing class, due tomorow",
      "They came in March with boxes and a barking dog. I left polite notes, but they never answered. The dog saw me first: it sat, and stared at where I was standing, and howled. Only then did I notice that I had not opened the door to come in.",
      "i like it. the ending is too obvious tho",
      'Try ending on something smaller: "That evening they set three places for dinner. I counted the chairs twice, and then, for the first time, I looked for my own hands." It leaves the reader one step to take.',
      "yes!! thats the one",
      "Great. I would keep the note-leaving in the middle as your first clue, and the dog as the second.",
    ],
  },
  {
    user: "u07",
    day: "2023-09-02",
    intent: "get a bedtime story with particular characters.",
    turns: [
      "can you help me write a short story that has a garbage truck named Gus, a very small owl and a snowplow in it. my son is 4 and those are the only three things he cares about right now, no sad parts",
      "Gus the garbage truck loved mornings. One snowy morning he was stuck, until a very small owl hooted from his roof and woke Penny the snowplow. Together they cleared the whole street before breakfast, and the owl got to honk the horn.",
    ],
  },
  {
    user: "u09",
    day: "2023-10-30",
    intent: "write a scary but mild story for a children's party.",
    turns: [
      "can you help me write a short story I can read at a halloween party for third graders? spooky but nobody gets hurt, a pumpkin that rolls around town by itself at night would be good, about one page",
      "At midnight the pumpkin on the Bakers' porch opened one triangular eye and rolled down the steps. Bump, bump, bump, it went through the sleeping town. It was only looking for its missing lid, and it found it on the head of a very surprised cat.",
    ],
  },
  {
    user: "u13",
    day: "2023-12-11",
    intent: "turn a personal memory into a piece of fiction.",
    turns: [
      "can you help me write a short story based on something that happened to me: i got off at the wrong bus stop on my first day in a new city, was too shy to ask anybody and ended up walking six miles and finding what is now my favorite bookstore",
      "The bus sighed away and left her on a street with no name she knew. She had a phone with two percent left and a mouth that refused to ask. Six miles later, blistered and furious, she saw a lit window full of books and a sign that said: come in, get warm.",
    ],
  },
  {
    user: "u16",
    day: "2023-11-15",
    intent: "get a moral story for a school task.",
    turns: [
      "can you help me write a short story with a moral about honesty, must be set in a village and have a shopkeeper and a boy, class 5 level english, not the usual one with the axe and the river because teacher already knows that",
      'Ravi found a purse outside the shop. The shopkeeper said, "Nobody saw you. Keep it." Ravi waited by the well until the owner came. The next week, when the shopkeeper needed a helper, he remembered who could be trusted with money.',
    ],
  },
  {
    user: "u19",
    day: "2023-06-18",
    intent: "draft fiction in the style of an old radio mystery.",
    turns: [
      "can you help me write a short story in the style of an old radio mystery? there should be a retired postman, a stolen barometer and a village fete, and the culprit ought to be the vicar's sister although nobody suspects her until the raffle",
      "It was, by all accounts, set fair for the fete, though nobody could prove it, for the barometer was gone. Mr Pell, forty years a postman, knew every handwriting in the village. So when the winning raffle ticket was read out, he put down his tea and looked straight at Miss Amory.",
      "brilliant. could Mr Pell explain how he knew",
      '"The note left in its place was in block capitals," said Mr Pell, "but you cannot disguise a seven. Miss Amory crosses hers, as she did on ticket seventy-seven." Miss Amory set down the marmalade. "It never predicted rain," she said. "Not once."',
      "would she get arrested or would they let it go",
      "In a village, they would let it go, provided she returned the barometer and ran the tea stall for the next ten years.",
    ],
  },
  {
    user: "u23",
    day: "2024-01-25",
    intent: "get help starting a story set on a remote island.",
    turns: [
      "can you help me write a short story set on a tiny scottish island where the ferry has not come for nine days and the shop is down to tinned peaches? first person, dry humour, the narrator is the schoolteacher with four pupils",
      'By the ninth day we were doing fractions with tinned peaches, since they were the only thing left to divide. "If there are six halves and four of us," I began. "Then you go without, miss," said Catriona, who will go far.',
    ],
  },
  {
    user: "u24",
    day: "2024-01-19",
    intent: "write a short science fiction piece.",
    turns: [
      "can you help me write a short story where an ice fishing hut on lake nipissing picks up a radio signal from fifty years in the future and its just somebody asking about the weather, quiet and sad, not too much tech talk",
      'The radio had been dead since New Year, so when it asked about the weather, Walt answered. "Minus twenty and clear." There was a long hiss. "Clear," the voice repeated, as if it were tasting the word. "And is there ice?"',
    ],
  },
  {
    user: "u28",
    day: "2024-02-06",
    intent: "practise writing English fiction and have it checked.",
    turns: [
      "can you help me write a short story in simple english (B1 level) because i learn for my exam, it should have past tense and past perfect and the topic is a lost suitcase at the airport, please mark the past perfect",
      "When Jonas arrived in Lisbon, he saw that his suitcase **had gone** to another city. He **had packed** his only suit in it. At the desk, a woman smiled: she **had lost** hers too. They drank coffee and waited together.",
      'is "had gone" correct here or "went"',
      '"Had gone" is correct, because the suitcase left before he noticed it. "Went" would put both events at the same moment.',
    ],
  },
  {
    user: "u31",
    day: "2024-02-14",
    intent: "write a light romantic story for a student publication.",
    turns: [
      "can you help me write a short story for our school paper valentines issue, two people who keep taking the same umbrella from the library stand by mistake and leaving notes inside it, wholesome, taglish is ok in the notes but the rest english",
      'The first note said, "Sorry po, akala ko sa akin." Ana folded it back into the umbrella and left her own. By the end of the rainy season, there were eleven notes, one umbrella, and two people who were no longer taking it by mistake.',
    ],
  },
  {
    user: "u37",
    day: "2024-03-02",
    intent: "develop a story idea for a competition.",
    turns: [
      'can you help me write a short story for a competition, theme is "light". my idea is a tailor in lagos who only sews at night when there is power and one night he sews a dress for somebody who never comes to collect it. maximum 500 words, strong opening line please',
      'Here is an opening: "Baba Tunde owned the night, but only in instalments." From there, let the generator, the streetlamp and the phone torch each light one stage of the dress. In the end, he hangs it in the window, and it is the brightest thing on the street.',
      "wow ok. write the first paragraph",
      "Baba Tunde owned the night, but only in instalments: an hour here, forty minutes there, whenever the power company remembered his street. When the bulb came on, he was already threading the needle. He had learnt to measure in the dark.",
    ],
  },
  {
    user: "u45",
    day: "2024-03-20",
    intent: "get a very short story with a twist.",
    turns: [
      "can you help me write a short story that is exactly six sentences long, starts with someone deleting an email and ends with the same person receiving it again, and somewhere in the middle it must be clear that forty years have gone by",
      "She deleted the email without reading it. It was from herself, which made no sense. She finished school, married, buried her parents and went grey at the temples. At sixty, she built a machine that could send one message backwards. She wrote the only line that mattered and pressed send. A moment later, it arrived in her own inbox, unread.",
    ],
  },
];

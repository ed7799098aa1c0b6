// Ordinary conversations: well formed, English, not toxic; all of them are to survive up to their samples.
// All of it is synthetic: every person, question and answer was made up for this project.

import type { DemoConversation } from "./conversation.ts";

// Heavy user: 12 conversations by one person (11 here, 1 among the shared openings).
const HEAVY_12: readonly DemoConversation[] = [
  // Long conversation: 12 rounds.
  {
    user: "u01",
    day: "2023-05-20",
    intent: "play a text adventure game together.",
    turns: [
      "lets play a text adventure. you are the game master, i say what i do. setting: abandoned subway station. keep it short each time",
      "You wake on the platform of Grant Street station. The last train left in 1987. A service door hums to your left, and stairs climb into darkness on your right. What do you do?",
      "check my pockets",
      "You find a brass token, half a sandwich and a flashlight with weak batteries.",
      "turn on flashlight and look at the service door",
      'The door has no handle, only a slot the size of a coin. Someone has scratched "NOT YET" above it.',
      "use token in the slot",
      "The slot rejects it. The token drops back into your palm, warm. Far down the tunnel, something exhales.",
      "ok well that sign did say not yet. go up the stairs",
      "The stairs end at a rolled-down gate. Through the bars you see the street, but the cars are all forty years old, and none of them move.",
      "eat the sandwich",
      "It is tuna, and surprisingly fresh. You feel braver. The station clock starts ticking: it says 11:52, and its minute hand is shaking.",
      "wait until midnight",
      'You wait. At midnight every light on the platform comes on, and the scratched words on the door now read "NOW".',
      "TOKEN IN THE SLOT",
      "The door slides open on a lit, empty train car. The seat nearest to you has your name embroidered on it.",
      "hmm suspicious. throw the rest of the sandwich in first",
      'The sandwich lands on the seat. After a moment, the embroidery rearranges itself into the word "TUNA".',
      "lmaooo ok i sit next to the sandwich",
      'The doors close gently. The car pulls out, and above the window a sign lights up: "Next stop: wherever you meant to go this morning."',
      "say out loud that i wanted to go to the library",
      "The train hums in approval and slows down. The doors open on your library, in your year, ten minutes before closing. You keep the token. THE END.",
      "that was great thx",
      "You played it well, especially the sandwich. Whenever you want a sequel, bring the token.",
    ],
  },
  {
    user: "u01",
    day: "2023-05-28",
    intent: "get homework help with a physics problem.",
    turns: [
      "a ball is thrown up at 20 m/s from a 15m roof when does it hit the ground",
      "Set 15 + 20t - 4.9t² = 0. The positive solution is about 4.73 seconds, so it hits the ground roughly 4.7 s after the throw.",
      "how fast is it going then",
      "v = 20 - 9.8 × 4.73 ≈ -26.4 m/s, so it is moving at about 26 m/s downwards.",
      "why negative",
      "Because we chose upwards as positive. The minus sign only tells you that it is falling.",
    ],
  },
  {
    user: "u01",
    day: "2023-06-11",
    intent: "collect names for a fantasy role-playing game.",
    turns: [
      "10 tavern names for dnd",
      "The Leaky Lantern, The Third Goose, Widow's Rest, The Bent Halberd, Salt & Cinder, The Patient Mimic, Nine Fingers, The Drowned Bell, Mother Kettle's, and The Last Copper.",
      "give me the owner of the patient mimic",
      "Orsolya Venn, a retired trap-maker with one wooden hand. She charges half price to anyone who can tell which of the chairs is real.",
      "love it. and a rumor she tells",
      "She swears that the well behind the tavern was dug from below. Every new moon, the bucket comes up dry, clean and polished.",
      "whats her secret",
      "She is the mimic. The real Orsolya left the tavern to it in her will.",
    ],
  },
  {
    user: "u01",
    day: "2023-07-02",
    intent: "write a message to a flatmate about chores.",
    turns: [
      "how do i tell my roommate to do his dishes without starting a fight",
      'Keep it short and specific: "Hey, could we agree that dishes get done by the end of the day? The sink is stressing me out a bit." Ask when you are both in a good mood, not while you are looking at the sink.',
    ],
  },
  {
    user: "u01",
    day: "2023-08-30",
    intent: "improve a résumé entry.",
    turns: [
      "make this sound better for a resume: worked at a pizza place, took orders, trained new people, closed at night",
      "Served customers in a busy restaurant, trained new team members, and was trusted with closing duties, including the cash count.",
      "i didnt count cash",
      "Served customers in a busy restaurant, trained new team members, and was trusted to close the store at night.",
    ],
  },
  {
    user: "u01",
    day: "2023-09-19",
    intent: "understand a chemistry topic before an exam.",
    turns: [
      "explain le chateliers principle like im dumb",
      "If a reaction is balanced and you push it, it pushes back. Add more of something, and the reaction uses some of it up; heat it, and it shifts in the direction that absorbs heat.",
      "so if i remove product",
      "Then it makes more product to replace what you took. That is why factories keep removing it.",
      "ok and pressure",
      "More pressure favours the side with fewer gas molecules. If both sides have the same number, pressure does nothing.",
      "and a catalyst does nothing right",
      "Right, it does not move the balance. It only gets you there faster.",
    ],
  },
  {
    user: "u01",
    day: "2023-10-08",
    intent: "plan cheap meals.",
    turns: [
      "meal prep for 5 days under 30 dollars, no mushrooms",
      "Make a big pot of chili with beans, rice for the week, and roast a tray of chicken thighs with carrots. Lunch is chili and rice, dinner is chicken and carrots, and breakfast is oats with bananas. It should come to about 28 dollars.",
    ],
  },
  {
    user: "u01",
    day: "2023-11-14",
    intent: "find out how to play a musical instrument piece by piece.",
    turns: [
      "easiest chords on guitar",
      "Em, Am, C, G and D. Start with Em and Am: they need two or three fingers and sit close together.",
      "my fingers hurt",
      "That is normal for the first weeks. Play ten minutes at a time, press right behind the fret, and let your fingertips rest in between.",
    ],
  },
  {
    user: "u01",
    day: "2023-12-04",
    intent: "get a polite e-mail to a teacher written.",
    turns: [
      "email to my professor asking for 2 more days on the lab report, i had the flu",
      "Dear Professor, I have been ill with the flu this week and have fallen behind on the lab report. Could I hand it in two days late, on Thursday? I can send a doctor's note if that helps. Thank you for considering it.",
      "less formal, shes chill",
      "Hi Professor, I've had the flu this week and my lab report isn't where I'd like it to be. Would it be okay if I handed it in on Thursday? Happy to send a note. Thanks!",
    ],
  },
  {
    user: "u01",
    day: "2024-01-16",
    intent: "settle a question about everyday facts.",
    turns: [
      "is a hot dog a sandwich",
      "By the strictest definition, filling between bread, yes. By how people actually use the word, no: most see it as its own thing, since the bun is one connected piece.",
    ],
  },
  {
    user: "u01",
    day: "2024-02-27",
    intent: "prepare for a job interview.",
    turns: [
      "i have an interview at a climbing gym tmrw what will they ask",
      "Expect: why climbing, how you would handle an unsafe belayer, how you calm down an anxious beginner, and whether you can work weekends. Have one story about helping a customer.",
      "i never climbed lol",
      "Then say so early and turn it round: you learn quickly, you remember what being a beginner feels like, and you have trained new people before. Ask if staff get free sessions.",
      "how do i answer the belayer one then",
      "Say that you would stop the climb calmly, tell them what you saw, and get a trained colleague at once. Safety first, no arguing, then a friendly follow-up.",
      "ok im ready",
      "You are. Wear something you can move in, in case they hand you a harness. Good luck!",
    ],
  },
];

// Heavy user: 9 conversations by one person (8 here, 1 among the shared openings).
const HEAVY_9: readonly DemoConversation[] = [
  {
    user: "u02",
    day: "2023-06-05",
    intent: "solve a spreadsheet problem.",
    turns: [
      "excel formula to find duplicate in two columns",
      'In C2, use =IF(COUNTIF(B:B,A2)>0,"duplicate","") and fill it down. It marks each value of column A that also appears in column B.',
      "it is showing duplicate for blank also",
      'Check for blanks first: =IF(A2="","",IF(COUNTIF(B:B,A2)>0,"duplicate","")).',
      "working. now highlight them in red",
      'Select column A, choose Conditional Formatting, New Rule, Use a formula, and enter =AND($A1<>"",COUNTIF($B:$B,$A1)>0). Then pick a red fill.',
      "whole row should be red not only the cell",
      "Select the whole range, say A1:F500, before you add the rule. The $ before A keeps the test on column A, so the whole row takes the fill.",
      "thank you so much",
      "You're welcome! If the list grows, extend the range under Manage Rules.",
    ],
  },
  {
    user: "u02",
    day: "2023-06-26",
    intent: "write a leave request for work.",
    turns: [
      "leave mail for 2 days brothers wedding",
      "Dear Sir, I request leave on Thursday and Friday for my brother's wedding. I will complete the pending reports before I go and will be back on Monday. Kindly approve.",
      "dont say kindly approve",
      "Dear Sir, I would like to take leave on Thursday and Friday for my brother's wedding. I will finish the pending reports before I go. Thank you.",
    ],
  },
  {
    user: "u02",
    day: "2023-07-17",
    intent: "fix a database query.",
    turns: [
      "SELECT dept, name, MAX(salary) FROM emp GROUP BY dept   why this gives error",
      "Because name is neither grouped nor aggregated, so the database cannot know which name to show. Use a window function: SELECT dept, name, salary FROM (SELECT *, RANK() OVER (PARTITION BY dept ORDER BY salary DESC) r FROM emp) t WHERE r = 1.",
      "what if two people same salary",
      "RANK gives both of them 1, so both are shown. If you want only one, use ROW_NUMBER instead.",
    ],
  },
  {
    user: "u02",
    day: "2023-09-11",
    intent: "plan a short trip.",
    turns: [
      "2 day plan for coorg with parents, father cant walk much",
      "Day one: Raja's Seat at sunset, then a quiet coffee-estate stay. Day two: the Golden Temple at Bylakuppe, where paths are flat, and the spice shops at Madikeri. Skip Abbey Falls, since it has many steps.",
      "which month is best",
      "October to February is cool and mostly dry. Avoid June to August, when the rain is heavy.",
    ],
  },
  {
    user: "u02",
    day: "2023-10-23",
    intent: "get a small script written and corrected.",
    turns: [
      "python script to rename all files in folder with todays date in front",
      "from pathlib import Path\nfrom datetime import date\n\nfor file in Path('.').iterdir():\n    if file.is_file():\n        file.rename(file.with_name(f'{date.today()}_{file.name}'))\n\nRun it inside the folder.",
      "it renamed the script also",
      "Add a check: if file.is_file() and file.name != Path(__file__).name. Then the script leaves itself alone.",
      "and if i run it twice date comes twice",
      "Skip files that already start with the date: add and not file.name.startswith(str(date.today())) to the condition.",
      "give full code",
      "from pathlib import Path\nfrom datetime import date\n\ntoday = str(date.today())\nfor file in Path('.').iterdir():\n    if file.is_file() and file.name != Path(__file__).name and not file.name.startswith(today):\n        file.rename(file.with_name(f'{today}_{file.name}'))",
    ],
  },
  {
    user: "u02",
    day: "2023-12-18",
    intent: "rewrite a work message.",
    turns: [
      "correct the english: i am having doubt in the report which you have send yesterday, can you please clear",
      "I have a question about the report you sent yesterday. Could you please clarify it for me?",
    ],
  },
  {
    user: "u02",
    day: "2024-01-29",
    intent: "write a self-review for an appraisal.",
    turns: [
      "self appraisal points for data analyst 3 yrs exp",
      "Automated the weekly sales report, saving about four hours a week. Built a dashboard used by two teams. Trained a new colleague. Next year: learn forecasting and present results directly to clients.",
    ],
  },
  {
    user: "u02",
    day: "2024-03-11",
    intent: "get a recipe.",
    turns: [
      "egg curry without coconut",
      "Fry sliced onions until brown, add ginger-garlic paste, two chopped tomatoes, chilli, turmeric and coriander powder. Cook until the oil separates, add a cup of water, and simmer with boiled eggs for eight minutes. Finish with garam masala.",
    ],
  },
];

// One IP in two countries: three conversations at home in the United Kingdom, one while away in Ireland.
const ONE_IP_TWO_COUNTRIES: readonly DemoConversation[] = [
  {
    user: "u46",
    day: "2023-07-05",
    intent: "find out how to look after a garden plant.",
    turns: [
      "why are my tomato leaves curling",
      "Most often it is heat or uneven watering. Water deeply in the morning, a couple of times a week. If the leaves also have a mottled pattern, it may be a virus.",
      "no pattern just curling upwards",
      "Then it is probably stress from heat or wind, and the plant will be fine. Mulch round the base and keep the soil evenly damp.",
    ],
  },
  {
    user: "u46",
    day: "2023-08-03",
    country: "Ireland",
    intent: "get advice on things to do while travelling.",
    turns: [
      "in galway for one day its raining. ideas?",
      "Start with the city museum by the Spanish Arch, then St Nicholas' church and a slow lunch in the Latin Quarter. Kennys is a fine bookshop for a wet afternoon, and there is music in the pubs from early evening.",
      "with a toddler",
      "Then make it the aquarium at Salthill first, lunch early, and an hour in the museum. Pubs with music often welcome children until nine.",
    ],
  },
  {
    user: "u46",
    day: "2023-09-27",
    intent: "write a notice for neighbours.",
    turns: [
      "Write a note for the stairwell: someone keeps leaving the front door open and it's freezing. Friendly please, I have to live with these people.",
      "Hello neighbours! The front door has been left open a few times lately, and the stairs are turning into a fridge. Could you give it a wee push until it clicks? Thank you, and stay warm!",
    ],
  },
  {
    user: "u46",
    day: "2024-02-01",
    intent: "understand a household bill.",
    turns: [
      "what does standing charge mean on my electricity bill",
      "It is a fixed daily fee for being connected to the network, whether you use any electricity or not. It pays for meters, cables and some public schemes.",
      "so even if im away for a month i pay it",
      "Yes, it is charged for every day, even when you use nothing.",
      "daft",
      "Many people would agree. A few tariffs have no standing charge, but they usually cost more per unit.",
    ],
  },
];

// The same short opening ("hi", "hello") by several people, each going on differently. None of these prompts has a 7-gram.
const SHORT_OPENINGS: readonly DemoConversation[] = [
  {
    user: "u06",
    day: "2023-10-01",
    intent: "get help choosing a present.",
    turns: [
      "hi",
      "Hello! How can I help you today?",
      "gift for my father in law, hes into trains, 40 bucks max",
      "A good book of historic railway maps, tickets for a short heritage-line ride, or a quality model wagon in his scale. If you do not know his scale, choose the ride.",
    ],
  },
  {
    user: "u12",
    day: "2023-05-03",
    intent: "find out what the assistant can do.",
    turns: [
      "hi",
      "Hello! What would you like to talk about?",
      "are you a person",
      "No, I'm an AI language model. I can answer questions, help you write, and explain things.",
      "what should i use you for",
      "Try me on something you have been putting off: an e-mail, a plan for the week, or a topic that you never understood at school.",
      "maybe later bye",
      "Goodbye! I'm here when you need me.",
    ],
  },
  {
    user: "u20",
    day: "2023-07-08",
    intent: "settle on something to watch.",
    turns: [
      "hello",
      "Hello! What can I do for you?",
      "need a film for tonight. two adults one teenager nobody agrees on anything",
      'Try a clever crowd-pleaser: "Knives Out" for a mystery, "Paddington 2" for charm, or "The Martian" for adventure. Let each person veto one; what is left wins.',
      "teenager vetoed paddington. unbelievable",
      'A serious loss. "Knives Out" it is: funny, twisty, and nobody needs to admit that they enjoyed it.',
    ],
  },
  {
    user: "u27",
    day: "2023-11-09",
    intent: "practise a foreign language in conversation.",
    turns: [
      "Hello",
      "Hello! How are you today?",
      "I am good. Can we make small talk? I want to exercise my english, please correct me",
      'With pleasure! One correction: we say "practise my English". So, what did you do last weekend?',
      "I was by my sister and we have baked a cake",
      'Nice! Better: "I was at my sister\'s and we baked a cake." What kind of cake was it?',
      "A apple cake with many cinnamon",
      'Delicious. Better: "an apple cake with a lot of cinnamon". Did it turn out well?',
      "It was a little bit burned but my sister says it is caramel",
      "That sentence is perfect, and your sister is a diplomat.",
    ],
  },
  {
    user: "u30",
    day: "2024-02-09",
    intent: "get help with an assignment.",
    turns: [
      "hi",
      "Hi there! How can I help?",
      "pls explain the difference of mitosis and meiosis, 3 sentences only",
      "Mitosis makes two identical cells for growth and repair. Meiosis makes four different cells with half the chromosomes. The body uses meiosis only for egg and sperm cells.",
    ],
  },
  {
    user: "u39",
    day: "2024-01-22",
    intent: "check whether a sentence sounds natural.",
    turns: [
      "hello",
      "Hello! How may I help you?",
      'Which is natural: "I look forward to see you" or "to seeing you"?',
      '"I look forward to seeing you" is correct. Here "to" is a preposition, so the verb takes -ing.',
      "Thank you.",
      "You're welcome!",
    ],
  },
];

/** Earlier rows of which another row is an exact repeat. */
export const REPEATED = {
  boilEggs: {
    user: "u04",
    day: "2023-06-21",
    intent: "find out how to cook a basic food.",
    turns: [
      "how long to boil eggs",
      "About 6 minutes for a soft yolk, 8 for a jammy one and 11 for a hard one, counted from boiling. Cool them in cold water straight away.",
    ],
  },
  sleepBetter: {
    user: "u21",
    day: "2023-06-13",
    intent: "get everyday health advice.",
    turns: [
      "how to sleep better",
      "Keep the same hours every day, stop caffeine after lunch, and keep the bedroom cool and dark. Put the phone in another room. If it stays bad for weeks, talk to a doctor.",
    ],
  },
  jokes: {
    user: "u10",
    day: "2023-05-15",
    intent: "hear some jokes.",
    turns: [
      "tell me a joke",
      "Why did the scarecrow win an award? Because he was outstanding in his field.",
      "another one",
      "I used to be a banker, but I lost interest.",
    ],
  },
} as const satisfies Record<string, DemoConversation>;

const OTHERS: readonly DemoConversation[] = [
  REPEATED.boilEggs,
  REPEATED.sleepBetter,
  REPEATED.jokes,
  {
    user: "u03",
    day: "2023-06-10",
    intent: "choose a name for a pet.",
    turns: [
      "names for a orange cat that are not garfield",
      "Marmalade, Paprika, Clementine, Ziggy, Nacho, Ember, Biscuit and Mango.",
      "nacho is good. middle name?",
      "Nacho Bartholomew, for when he knocks something off the table.",
    ],
  },
  {
    user: "u04",
    day: "2023-07-06",
    intent: "work out a quantity for a home project.",
    turns: [
      "how much paint for a 12x14 room 8ft ceiling",
      "The walls are about 416 square feet. One gallon covers 350 to 400 per coat, so two coats need a little over two gallons. Take off about 20 square feet for each door and 15 for each window.",
    ],
  },
  {
    user: "u05",
    day: "2023-08-01",
    intent: "understand a literary text.",
    turns: [
      "whats the green light in gatsby",
      "It is the light at the end of Daisy's dock. It stands for what Gatsby longs for and cannot reach, and more widely for a dream that lies behind him while he thinks it lies ahead.",
    ],
  },
  {
    user: "u07",
    day: "2023-09-05",
    intent: "get help planning a child's birthday party.",
    turns: [
      "4 yr old bday party at home, 8 kids, garbage truck theme (dont ask). games?",
      'Recycling relay: sort clean boxes and bottles into bins. Pin the lid on the truck. A trash toss with crumpled paper. Finish with a wagon ride as the "collection route".',
      "what about cake",
      "Bake two loaf cakes: one is the truck body, and half of the other is the cab. Use cookies for wheels and candy as the trash spilling out at the back.",
      "im not good at baking",
      'Then buy a plain sheet cake, cover it in crushed chocolate cookies as "dirt", and park a clean toy truck on top. The kids will love it just as much.',
      "sold",
      "Wash the truck well first, and your work is done.",
    ],
  },
  {
    user: "u08",
    day: "2023-09-16",
    intent: "diagnose a problem with a vehicle.",
    turns: [
      "car makes clicking noise wont start",
      "Rapid clicking usually means a weak battery; a single click points to the starter. Check whether the dashboard lights dim when you turn the key, and try a jump start.",
      "lights dim yes",
      "Then it is most likely the battery or its terminals. Clean any white crust off the terminals, jump it, and have the battery tested if it dies again.",
    ],
  },
  {
    user: "u10",
    day: "2023-10-12",
    intent: "learn how to use old photo equipment.",
    turns: [
      "what iso film should i get for a beginner, mostly outside",
      "ISO 400 is the safest choice: it copes with sun and clouds. ISO 200 gives finer grain if it is nearly always sunny.",
      "will airport xray ruin it",
      "Ordinary hand-luggage scanners rarely harm ISO 400, but newer CT scanners can. Never put film in checked bags, and ask for a hand check.",
    ],
  },
  {
    user: "u11",
    day: "2023-10-05",
    intent: "understand a rental matter.",
    turns: [
      "landlord wants first last and deposit is that normal",
      "In many US states, yes, though some states limit the total. Look up your state's limit on deposits, and get a receipt and a written move-in checklist.",
    ],
  },
  {
    user: "u12",
    day: "2023-05-04",
    intent: "write a speech for a family occasion.",
    turns: [
      "ok im back. i need a toast for my sisters wedding",
      "Congratulations to her! Tell me one small story about the two of you, and one thing you like about the person she is marrying.",
      "she taught me to drive and i hit a mailbox. he's the only one she lets touch the thermostat",
      '"My sister taught me to drive. The mailbox on Elm Street remembers. She stayed calm then, and she has been calm with me ever since. And Mark, you must be special, because nobody else has ever touched her thermostat. To the happy couple!"',
      "ha. his name is not mark",
      "My mistake: I made that name up. Put his real name in its place, and you are ready.",
      "shorter",
      '"My sister taught me to drive. The mailbox on Elm Street remembers. And you, who may touch her thermostat: welcome to the family. Cheers!"',
    ],
  },
  {
    user: "u12",
    day: "2023-08-16",
    intent: "get a quick unit conversion.",
    turns: ["350 f in celsius", "350 °F is about 177 °C; most recipes round it to 180."],
  },
  {
    user: "u14",
    day: "2024-01-03",
    intent: "set up an exercise routine.",
    turns: [
      "couch to 5k but i have bad knees",
      "Start with three brisk 20-minute walks a week for two weeks. Then add one minute of slow jogging per five of walking, on soft ground. Strengthen your thighs twice a week, and stop if pain is sharp or lasts into the next day.",
      "what strength stuff",
      "Wall sits, step-ups on a low step, glute bridges and straight-leg raises, two sets of ten each.",
      "its too cold to walk outside rn",
      "March on the spot or use stairs for 20 minutes indoors, or walk laps in a mall. The habit matters more than the place.",
    ],
  },
  {
    user: "u14",
    day: "2024-03-28",
    intent: "write a complaint to a company.",
    turns: [
      "write complaint to gym they keep charging me after i cancelled in january. firm but polite",
      "Hello, I cancelled my membership in January, yet I was charged in February and March. Please refund both payments and confirm the cancellation in writing within ten days. Otherwise I will dispute the charges with my bank.",
    ],
  },
  {
    user: "u15",
    day: "2023-10-21",
    intent: "find and fix an error in code.",
    turns: [
      "TypeError: Cannot read properties of undefined (reading 'map') react",
      "You are calling .map on something that is undefined, usually data that has not loaded yet. Give the state an empty array at first, or write items?.map(...).",
      "i did useState() only",
      "That starts as undefined. Write useState([]) instead.",
      "now blank page no error",
      "Then the list is probably still empty. Log the response in your fetch: often the array is one level deeper, such as response.data.items.",
      "yes it was data.results. thanks",
      "Good catch! Setting it with setItems(data.results) is all you need.",
    ],
  },
  {
    user: "u16",
    day: "2023-11-16",
    intent: "get an essay for school.",
    turns: [
      "essay on my favourite festival 150 words class 5",
      "My favourite festival is Diwali. We clean the house, draw rangoli at the door and light rows of clay lamps. My mother makes sweets, and we share them with our neighbours. In the evening, the whole street shines. I like it because everyone comes home, and even people who have quarrelled smile at each other.",
      "write pongal instead",
      'My favourite festival is Pongal. We wake up early, draw kolam and cook new rice with milk and jaggery. When the pot boils over, we all shout "Pongalo Pongal!" We thank the sun, the rain and the cattle. I like it because our whole family cooks outside together.',
    ],
  },
  {
    user: "u17",
    day: "2023-11-25",
    intent: "compare two career choices.",
    turns: [
      "mba or ms abroad after 4 yrs in it service company, family pressure for mba",
      "An MBA suits you if you want to move to management or change field; an MS suits you if you want deeper technical work. Compare the cost, visa rules and job prospects in the country you would like to live in. Which of the two would you choose if nobody were watching?",
      "ms honestly",
      "Then build the case for it: a list of programmes, total cost, typical salaries and a repayment plan. Families often relax when they see numbers.",
    ],
  },
  {
    user: "u18",
    day: "2023-12-29",
    intent: "learn how something in finance works.",
    turns: [
      "sip vs lumpsum which is better",
      "A lump sum earns more on average if the market rises, since the money is invested for longer. A SIP spreads the risk and builds a habit. If you are paid monthly, a SIP is the natural choice.",
    ],
  },
  {
    user: "u20",
    day: "2023-09-03",
    intent: "solve a word puzzle.",
    turns: [
      "crossword: 'sounds like a boring instrument' 5 letters, second letter r",
      "I would try DRILL: it is an instrument that literally bores.",
      "yes!! 9 across then, river in wales, 3 letters",
      "Could be USK, WYE or DEE. Do you have any of the letters?",
      "ends in e",
      "That leaves WYE or DEE. The first letter will decide it.",
    ],
  },
  {
    user: "u21",
    day: "2023-09-22",
    intent: "learn about a historical event.",
    turns: [
      "why did the great fire of london spread so fast",
      "The houses were timber, packed tightly, and dry after a hot summer, and a strong east wind blew. The Lord Mayor also hesitated to pull houses down to make firebreaks.",
      "who got blamed",
      "A French watchmaker, Robert Hubert, confessed and was hanged, although he had arrived after the fire began. Later it was accepted as an accident in a bakery in Pudding Lane.",
      "thats grim. is pudding lane still there",
      "Yes, it is a short street near Monument station. The Monument stands about 60 metres from where the bakery was.",
      "field trip then",
      "Climb the Monument if you can: there are 311 steps, and you get a certificate.",
    ],
  },
  {
    user: "u22",
    day: "2023-12-05",
    intent: "find out how to preserve food safely.",
    turns: [
      "does marmalade need to be refrigerated after opening",
      "Yes, keep it in the fridge once it is open, and it lasts for months. Unopened, sealed jars are fine in a cool, dark cupboard for a year or more.",
    ],
  },
  {
    user: "u25",
    day: "2024-01-14",
    intent: "learn to do a craft.",
    turns: [
      "my knitting is curling at the edges",
      "Stockinette always curls. Add a border of garter stitch or ribbing, and block the piece when it is finished.",
      "whats blocking",
      "You wet the finished piece, pin it out to the right size, and let it dry. The yarn relaxes and keeps that shape.",
    ],
  },
  {
    user: "u27",
    day: "2023-12-12",
    intent: "have a work message translated.",
    turns: [
      "Translate in english, formal: Leider müssen wir den Termin auf nächste Woche verschieben.",
      "Unfortunately, we have to postpone the appointment until next week.",
    ],
  },
  {
    user: "u29",
    day: "2023-08-24",
    intent: "get captions for a social media post.",
    turns: [
      "caption for beach pics 3 options short",
      "1. Salt in my hair, sand everywhere. 2. Currently out of office, and out of sunscreen. 3. Vitamin sea, taken daily.",
      "more sosyal",
      "1. Shoreline state of mind. 2. Golden hour, barefoot dress code. 3. Résumé: professional sunset critic.",
    ],
  },
  {
    user: "u29",
    day: "2023-11-30",
    intent: "practise for a call centre job.",
    turns: [
      "act as an angry customer and i will practice my call center script",
      'All right. "I have been waiting three weeks for my router, and nobody ever calls me back!"',
      "I understand how frustrating that must be, may I have your order number please?",
      '"I gave it to the last three people. Why don\'t you have it?"',
      "I apologize for that ma'am, I will take it one last time and personally follow it up",
      '"Fine. It\'s four, four, seven, one. And I want a real date this time."',
      "thank you. your router arrives on thursday before noon and i will text you when it ships",
      '"Well. Thank you. That is the first clear answer I\'ve had." Stepping out of the role: you stayed calm and gave a concrete promise. Very good.',
      "feedback pls",
      "Strong empathy and a clear next step. Next time, repeat the order number back to the customer, and ask at the end whether anything else is needed.",
    ],
  },
  {
    user: "u30",
    day: "2024-02-16",
    intent: "write a message about a delay.",
    turns: [
      "make excuse letter for late enrollment payment",
      "Dear Registrar, I would like to apologise for the delay in my enrollment payment. My family's remittance arrived late this month. I will pay in full by Friday, and I hope that my slot can be kept. Thank you for your understanding.",
    ],
  },
  {
    user: "u33",
    day: "2024-02-22",
    intent: "identify an animal.",
    turns: [
      "big brown spider in my shed in melbourne should i worry",
      "It is probably a huntsman: large, flat, fast and harmless apart from a painful bite if it is squeezed. White-tails are small and cigar-shaped, and redbacks are black with a red stripe. When unsure, leave it alone and wear gloves in the shed.",
      "its as big as my hand mate",
      "Then it is very likely a huntsman. Put a plastic box over it, slide card underneath, and walk it outside. Or let it stay: it eats the cockroaches.",
      "i'll burn the shed",
      "Understandable, but the box is cheaper.",
    ],
  },
  {
    user: "u36",
    day: "2024-02-13",
    intent: "learn the meaning of an expression.",
    turns: [
      'what means "to get cold feet"',
      "It means to become too nervous to do something that you had planned, often just before a wedding or a big decision.",
      "in portuguese?",
      'Something like "amarelar" or "dar para trás". Both are informal.',
    ],
  },
];

/** Every ordinary conversation. */
export const EVERYDAY: readonly DemoConversation[] = [
  ...HEAVY_12,
  ...HEAVY_9,
  ...ONE_IP_TWO_COUNTRIES,
  ...SHORT_OPENINGS,
  ...OTHERS,
];

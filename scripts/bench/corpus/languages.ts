/** How made-up words of a language look, how often it is spoken, and where. None of the words means anything. */
export interface Language {
  /** The full English name, as WildChat has it. */
  readonly name: string;
  /** Conversations of a hundred. */
  readonly weight: number;
  /** Parts that syllables are put together from, or single characters where there is no vowel. */
  readonly onsets: string;
  readonly vowels: string;
  /** What stands between words; "" where words are not parted. */
  readonly between: string;
  /** Ends of sentences. */
  readonly stops: readonly string[];
  readonly acceptLanguage: string;
  readonly places: readonly Place[];
}

/** A country with how many of the people who speak the language are there, and one of its states, null where none is known. */
type Place = { readonly country: string | null; readonly weight: number; readonly states: readonly string[] };

const LATIN = ". |, |? |! |.\n|.\n\n|: | - ".split("|");
const IDEOGRAPHIC = "。|，|？|！|。\n|。\n\n|：|、".split("|");
const ARABIC = ". |، |؟ |! |.\n|.\n\n|: | - ".split("|");

/** `country*weight/state/state; …` as places. */
function places(text: string): Place[] {
  return text.split("; ").map((part) => {
    const [place = "", ...states] = part.split("/");
    const [country = "", weight = "1"] = place.split("*");
    return { country: country === "?" ? null : country, weight: Number(weight), states };
  });
}

/** So many characters of a script from a code point on, as a list of syllables. */
function characters(first: number, count: number): string {
  return Array.from({ length: count }, (_, at) => String.fromCodePoint(first + at)).join(" ");
}

const CONSONANTS = "b c d f g h k l m n p r s t v w st tr pl br ch sh th gr cl";

function latin(
  name: string,
  weight: number,
  acceptLanguage: string,
  where: string,
  onsets = CONSONANTS,
  vowels = "a e i o u an er in or el",
): Language {
  return { name, weight, onsets, vowels, between: " ", stops: LATIN, acceptLanguage, places: places(where) };
}

/** The languages with their shares: 56 in a hundred conversations are English. */
export const LANGUAGES: readonly Language[] = [
  latin(
    "English",
    56,
    "en-US,en;q=0.9",
    "United States*40/California/Texas/New York/Ohio; United Kingdom*10/England/Scotland; India*8/Karnataka/Maharashtra; Canada*6/Ontario/Alberta; Philippines*5/Metro Manila; Australia*5/Victoria; Germany*3/Hesse; Netherlands*2/Utrecht; Singapore*2; Nigeria*2/Lagos; Ireland*1/Leinster; South Africa*1/Gauteng; Pakistan*1/Punjab; Kenya*1; New Zealand*1; Malaysia*1/Selangor; Sweden*1; Norway*1; ?*0.15",
  ),
  {
    name: "Chinese",
    weight: 14,
    onsets: characters(0x4e00, 6000),
    vowels: "",
    between: "",
    stops: IDEOGRAPHIC,
    acceptLanguage: "zh-CN,zh;q=0.9,en;q=0.8",
    places: places(
      "China*30/Guangdong/Zhejiang; Hong Kong*14; Taiwan*14/Taipei City; United States*12/California; Singapore*5; Japan*4/Tokyo; ?*0.15",
    ),
  },
  {
    ...latin(
      "Russian",
      9.5,
      "ru-RU,ru;q=0.9,en;q=0.7",
      "Russia*70/Moscow/Saint Petersburg; Ukraine*10/Kyiv City; Belarus*6; Kazakhstan*5; Germany*3/Berlin; Latvia*1; ?*0.1",
    ),
    onsets: "б в г д ж з к л м н п р с т х ц ч ш щ ст пр тр вл",
    vowels: "а е и о у ы ю я ов ен ал ость",
  },
  latin(
    "Spanish",
    3,
    "es-ES,es;q=0.9,en;q=0.8",
    "Spain*10/Madrid; Mexico*9/Jalisco; Argentina*7; Colombia*5; Chile*4; Peru*4",
    CONSONANTS,
    "a e i o u á é ó ción ar os",
  ),
  latin(
    "French",
    3,
    "fr-FR,fr;q=0.9,en;q=0.7",
    "France*20/Île-de-France; Canada*4/Quebec; Belgium*3; Morocco*3; Algeria*2",
    CONSONANTS,
    "a e é è ou eau i on en eur",
  ),
  latin(
    "Portuguese",
    2.5,
    "pt-BR,pt;q=0.9,en;q=0.8",
    "Brazil*20/São Paulo/Paraná; Portugal*4/Lisbon",
    CONSONANTS,
    "a e i o u ã ão ç é ar",
  ),
  latin(
    "German",
    2.5,
    "de-DE,de;q=0.9,en;q=0.8",
    "Germany*20/Bavaria/Hesse; Austria*4/Vienna; Switzerland*4/Zurich",
    CONSONANTS,
    "a e i o u ä ö ü ung en er ß",
  ),
  {
    ...latin(
      "Arabic",
      2,
      "ar-EG,ar;q=0.9,en;q=0.8",
      "Egypt*9; Morocco*6; Saudi Arabia*6; Algeria*4; Iraq*3; Tunisia*3",
    ),
    onsets: "ب ت ث ج ح خ د ر ز س ش ص ط ع ف ق ك ل م ن ه ال",
    vowels: "ا و ي ة ان ات",
    stops: ARABIC,
  },
  {
    name: "Japanese",
    weight: 1.5,
    onsets: `${characters(0x3042, 80)} ${characters(0x5c00, 800)}`,
    vowels: "",
    between: "",
    stops: IDEOGRAPHIC,
    acceptLanguage: "ja,en;q=0.9",
    places: places("Japan*30/Tokyo/Osaka"),
  },
  {
    ...latin("Korean", 1.5, "ko-KR,ko;q=0.9,en;q=0.8", "South Korea*30/Seoul"),
    onsets: characters(0xac00, 2000),
    vowels: "",
  },
  latin(
    "Turkish",
    1.5,
    "tr-TR,tr;q=0.9,en;q=0.8",
    "Turkey*20/Istanbul; Germany*2/Berlin",
    CONSONANTS,
    "a e ı i o ö u ü lar ler ğı ş",
  ),
  latin("Italian", 1, "it-IT,it;q=0.9,en;q=0.8", "Italy*20/Lombardy; Switzerland*1/Ticino"),
  latin("Vietnamese", 0.5, "vi-VN,vi;q=0.9", "Vietnam*20", CONSONANTS, "a ă â ê ô ơ ư ạ ế ộ"),
  {
    ...latin("Persian", 0.5, "fa-IR,fa;q=0.9,en;q=0.8", "Iran*20"),
    onsets: "ب پ ت ج چ خ د ر ز ژ س ش ک گ ل م ن و ه",
    vowels: "ا ی و ان",
    stops: ARABIC,
  },
  {
    ...latin("Hindi", 0.5, "hi-IN,hi;q=0.9,en;q=0.8", "India*20/Delhi"),
    onsets: "क ख ग च ज त द न प ब म य र ल व स ह",
    vowels: "ा ि ी ु े ो ं",
  },
  {
    ...latin("Hebrew", 0.5, "he-IL,he;q=0.9,en;q=0.8", "Israel*20"),
    onsets: "א ב ג ד ה ו ז ח ט כ ל מ נ ס ע פ צ ק ר ש ת",
    vowels: "ו י ה ים",
  },
];

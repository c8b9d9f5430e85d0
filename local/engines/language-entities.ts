import { findPii, type Span } from './language-pii.ts';

/** What Comprehend calls the personal data that is an entity too. */
const FROM_PII: Readonly<Record<string, string>> = {
  NAME: 'PERSON',
  ADDRESS: 'LOCATION',
  DATE_TIME: 'DATE',
  EMAIL: 'OTHER',
  URL: 'OTHER',
  PHONE: 'OTHER',
};

const NAME = "\\p{Lu}[\\p{L}\\p{N}&.'’-]*";
const places =
  `Aberdeen Amsterdam Athens Austin Barcelona Bath Belfast Berlin Birmingham Boston Bristol Brussels Cardiff
  Chicago Cologne Copenhagen Dallas Denver Dresden Dublin Dundee Edinburgh England Exeter France Frankfurt Geneva Germany
  Glasgow Hamburg Houston Hull Ipswich Ireland Italy Köln Leeds Leipzig Lisbon Liverpool London Madrid Málaga Manchester
  Miami Milan Munich München Norwich Oxford Paris Plymouth Portland Prague Preston Rome Scotland Seattle Sevilla Shanghai
  Sheffield Southport Spain Stuttgart Tokyo Toronto Truro Valencia Vienna Wales Wien York Zürich`
    .split(/\s+/)
    .join('|');

const RULES: readonly { readonly type: string; readonly pattern: RegExp; readonly score: number }[] = [
  {
    type: 'ORGANIZATION',
    pattern: new RegExp(
      `(?<![\\p{L}\\p{N}&.'’-])(?:${NAME} (?:& )?){1,4}(?:Ltd|Inc|LLC|PLC|plc|GmbH|AG|S\\.A\\.|S\\.L\\.|Corp(?:oration)?|University|Bank|School|Company|Society|Council|Group|Repairs|Parts)\\b\\.?`,
      'gu',
    ),
    score: 0.95,
  },
  {
    type: 'ORGANIZATION',
    pattern: new RegExp(`(?<![\\p{L}\\p{N}&.'’-])${NAME} & ${NAME}(?: ${NAME})?`, 'gu'),
    score: 0.85,
  },
  {
    type: 'QUANTITY',
    pattern:
      /(?<![\p{L}\p{N}.,])(?:[£$€] ?\d[\d.,]*\d|[£$€] ?\d|\d[\d.,]*(?: ?(?:%|€|£|\$|per cent|percent|pounds|dollars|euros|GBP|USD|EUR|kg|km|cm|miles?|metres?|meters?|square metres|hours?|minutes?|days?|weeks?|months?|years?|pieces|people|customers)(?!\p{L})))/gu,
    score: 0.95,
  },
  {
    type: 'LOCATION',
    pattern: new RegExp(
      `(?<!\\p{L})(?:${places}|New York|San Francisco|Los Angeles|United Kingdom|United States)(?!\\p{L})`,
      'gu',
    ),
    score: 0.9,
  },
  {
    type: 'DATE',
    pattern:
      /(?<!\p{L})(?:(?:last|next|this) (?:week|month|year|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag|lunes|martes|miércoles|jueves|viernes|sábado|domingo|January|February|March|April|June|July|August|September|October|November|December|(?<=\bin )(?:19|20)\d\d)(?!\p{L})/gu,
    score: 0.9,
  },
];

/** Persons, places, organisations, dates and quantities, by rules; in the order of the text and without overlaps. */
export function findEntities(text: string): Span[] {
  const found: Span[] = findPii(text).flatMap((span) => {
    const type = FROM_PII[span.type];
    return type ? [{ ...span, type, score: span.score * 0.98 }] : [];
  });
  for (const { type, pattern, score } of RULES) {
    for (const match of text.matchAll(pattern)) {
      const span = { type, begin: match.index, end: match.index + match[0].trimEnd().length, score };
      if (!found.some((other) => span.begin < other.end && other.begin < span.end)) found.push(span);
    }
  }
  return found.sort((a, b) => a.begin - b.begin);
}

/** Words that do not stand inside a key phrase: what is left between them is, mostly, nouns with their adjectives. */
const BREAKS: ReadonlySet<string> = new Set(
  `a about above across after again against all almost already also although am among an and another any anybody are as at
  away be became because been before being below between both but by came can come could did do does done down during each
  either else enough even ever every everybody few find first for from get gets give given go goes gone got had has have he
  her here hers him his how however i if in into is it its itself just keep last less like made make makes many me might
  more most much must my near never next no nobody nor not nothing now of off often on once one only or other others our out
  over own per put quite rather said same say see seen send sent several shall she should since so some somebody soon still
  such take taken tell than that the their them then there these they this those though three through to told too took two
  under until up upon us very was we well went were what when where whether which while who whom whose why will with within
  without would yes yet you your yours called want wants wanted bought sold arrived ordered writing thank please
  aber als am an auch auf aus bei bin bis bist da damit dann das dass dein dem den denn der des die dies diese dieser dieses
  doch dort du durch ein eine einem einen einer eines er es euch euer für gegen habe haben hat hatte hier ich ihm ihn ihnen
  ihr ihre ihrem ihren im in ist ja jede jeder jedes kann kein keine konnte man mein meine mich mir mit muss nach nicht noch
  nun nur ob oder ohne schon sehr sein seine sich sie sind so um und uns unser unsere unter vom von vor war waren was weil wenn
  wer werde werden wie wieder wir wird wo wurde zu zum zur zwei drei
  al ante como con contra cual cuando de del desde donde el ella ellos en entre era es esa ese eso esta está este esto estoy fue
  ha había han hasta hay la las le les lo los más me mi mis mucho muy ni no nos o para pero por porque pueden que qué se ser si
  sin sobre son su sus también te tengo tiene todo todos un una uno y ya yo`
    .split(/\s+/)
    .filter(Boolean),
);

/** «the», «my», «der», «una» open a phrase and belong to it, as in Comprehend's answers. */
const OPENERS: ReadonlySet<string> = new Set(
  `a an the my your his her its our their this that these those every each der die das den dem des ein eine einen einem einer
  mein meine meinem ihr ihre el la los las un una unos unas mi su sus`.split(/\s+/),
);

const LONGEST_PHRASE_WORDS = 5;

/** Groups of words between function words; a verb that is not on the list may slip in. */
export function findKeyPhrases(text: string): Span[] {
  const phrases: Span[] = [];
  let words: { readonly begin: number; readonly end: number }[] = [];
  let opener: number | undefined;
  const close = () => {
    const first = words[0];
    const last = words.at(-1);
    if (first && last && words.length <= LONGEST_PHRASE_WORDS) {
      const score = words.length > 1 ? 0.97 : 0.9;
      phrases.push({ type: 'KEY_PHRASE', begin: opener ?? first.begin, end: last.end, score });
    }
    words = [];
    opener = undefined;
  };
  let end = 0;
  for (const match of text.matchAll(/[\p{L}\p{N}][\p{L}\p{M}\p{N}'’&@.-]*[\p{L}\p{N}]|[\p{L}\p{N}]/gu)) {
    if (!/^ ?$/.test(text.slice(end, match.index))) close();
    end = match.index + match[0].length;
    const word = match[0].toLowerCase();
    if (BREAKS.has(word)) {
      close();
      if (OPENERS.has(word)) opener = match.index;
    } else if (word.endsWith('ly')) close();
    else words.push({ begin: match.index, end });
  }
  close();
  return phrases;
}

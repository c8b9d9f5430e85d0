import { isIP } from 'node:net';
import { GIVEN_NAMES, NOT_NAMES, TITLES } from './language-names.ts';

/** Something in a text, by UTF-16 positions; `end` is exclusive. */
export interface Span {
  readonly type: string;
  readonly begin: number;
  readonly end: number;
  /** 0..1 */
  readonly score: number;
}

/** Finds one type of personal data. */
interface Detector {
  readonly type: string;
  /** What is found is the named group `it`, or the whole match. Global. */
  readonly pattern: RegExp;
  readonly score: number;
  /** Says whether what looks like it is it: checksums, ranges, gazetteers. */
  readonly holds?: (found: string) => boolean;
}

const NAME_PART = "\\p{Lu}[\\p{L}\\p{M}]*(?:['’-][\\p{L}\\p{M}]+)*";
/** Without it a long run of letters would be searched anew from each of them. */
const WORD_START = "(?<![\\p{L}\\p{N}'’-])";
const MONTHS =
  'Jan(?:uary|uar)?|Feb(?:ruary|ruar)?|Mar(?:ch)?|März|Apr(?:il)?|May|Mai|June?|Juni|July?|Juli|Aug(?:ust)?|Sep(?:t(?:ember)?)?|O[ck]t(?:ober)?|Nov(?:ember)?|De[cz](?:ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre';
const STREET =
  'Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Drive|Dr|Court|Boulevard|Blvd|Row|Square|Terrace|Close|Place|Way|Crescent';
const POSTCODE = '(?:[A-Z]{2} \\d{5}(?:-\\d{4})?|[A-Z]{1,2}\\d[A-Z\\d]? \\d[A-Z]{2}|\\d{5})';
const TOWN = `(?:, ${NAME_PART}(?: ${NAME_PART}){0,2})?(?:,? ${POSTCODE})?`;

/** In the order of trust: what one finds, a later one does not claim again. */
const DETECTORS: readonly Detector[] = [
  {
    type: 'EMAIL',
    pattern: /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/gu,
    score: 0.999,
  },
  { type: 'URL', pattern: /\b(?:https?:\/\/|www\.)[^\s<>"')\]]*[^\s<>"')\].,;:!?]/gi, score: 0.999 },
  {
    type: 'INTERNATIONAL_BANK_ACCOUNT_NUMBER',
    pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,3})?\b/g,
    score: 0.999,
    holds: isIban,
  },
  {
    type: 'CREDIT_DEBIT_NUMBER',
    pattern: /(?<!\d[ -]|\w)\d(?:[ -]?\d){12,15}(?![ -]?\d|\w)/g,
    score: 0.999,
    holds: isCardNumber,
  },
  {
    type: 'CREDIT_DEBIT_CVV',
    pattern: /\b(?:cvv2?|cvc|security code)(?: is|:)?\s*(?<it>\d{3,4})\b/gi,
    score: 0.99,
  },
  {
    type: 'CREDIT_DEBIT_EXPIRY',
    pattern:
      /\b(?:exp(?:iry|ires|iration)?(?: date)?|valid (?:thru|until))\.?:?\s*(?<it>(?:0[1-9]|1[0-2])\/(?:20)?\d{2})\b/gi,
    score: 0.98,
  },
  { type: 'AWS_ACCESS_KEY', pattern: /\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g, score: 0.999 },
  { type: 'MAC_ADDRESS', pattern: /\b[\da-f]{2}(?:[:-][\da-f]{2}){5}\b/gi, score: 0.999 },
  {
    type: 'IP_ADDRESS',
    pattern: /(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[\da-f]{0,4}:){2,7}[\da-f]{0,4})(?![\w:])/gi,
    score: 0.998,
    holds: (found) => isIP(found) !== 0,
  },
  { type: 'SSN', pattern: /\b(?!000|666|9\d\d)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}\b/g, score: 0.98 },
  {
    type: 'PASSWORD',
    pattern:
      /\b(?:password|passwort|kennwort|contraseña|passphrase)(?: is| ist| es)?\s*:?\s+(?<it>(?=\S*[\d\W])\S{4,}?)(?=[.,;]?(?:\s|$))/giu,
    score: 0.95,
  },
  {
    type: 'USERNAME',
    pattern:
      /\b(?:user ?name|login|user id|benutzername|usuario)(?: is| ist| es)?\s*:?\s+(?<it>(?=\S*[\d_.-])[\w.-]{3,}\w)/gi,
    score: 0.95,
  },
  { type: 'PIN', pattern: /\bPIN(?: is|:| code)?\s*(?<it>\d{4,6})\b/g, score: 0.97 },
  {
    type: 'PASSPORT_NUMBER',
    pattern:
      /\b(?:passport|reisepass|pasaporte)(?: (?:number|no\.?|nr\.?|n[.º]))?(?: is|:)?\s*(?<it>[A-Z]{0,2}\d[A-Z\d]{6,8})\b/gi,
    score: 0.97,
  },
  {
    type: 'BANK_ACCOUNT_NUMBER',
    pattern: /\b(?:account|konto|cuenta)(?: ?(?:number|no\.?|nr\.?|nummer))?(?: is|:)?\s*(?<it>\d{6,17})\b/gi,
    score: 0.96,
  },
  {
    type: 'BANK_ROUTING',
    pattern:
      /\b(?:routing|sort code|BLZ)(?: (?:number|no\.?))?(?: is|:)?\s*(?<it>\d{9}|\d{2}-\d{2}-\d{2}|\d{8})\b/gi,
    score: 0.96,
  },
  {
    type: 'ADDRESS',
    pattern: new RegExp(`\\b\\d{1,5}[a-zA-Z]? (?:${NAME_PART} ){1,3}(?:${STREET})\\b\\.?${TOWN}`, 'gu'),
    score: 0.97,
  },
  {
    type: 'ADDRESS',
    // The number follows the street: Gänsemarkt 17, 20354 Hamburg; Calle Mayor 12, 29015 Málaga.
    pattern: new RegExp(
      `${WORD_START}(?:(?:Calle|Avenida|Avda\\.|Plaza|Paseo) ${NAME_PART}(?: ${NAME_PART}){0,2}|${NAME_PART}(?:straße|strasse|str\\.|weg|platz|allee|gasse|markt|ring|damm|ufer)|${NAME_PART}(?: ${NAME_PART})?(?= \\d{1,4}[a-z]?, \\d{5} )) ?\\d{1,4}[a-z]?(?:, \\d{5} ${NAME_PART}(?: am ${NAME_PART})?)?`,
      'gu',
    ),
    score: 0.96,
  },
  {
    type: 'DATE_TIME',
    pattern: new RegExp(
      `\\b(?:\\d{4}-\\d{2}-\\d{2}(?:T\\d{2}:\\d{2}(?::\\d{2})?Z?)?|\\d{1,2}[./]\\d{1,2}[./]\\d{2,4}|\\d{1,2}(?:st|nd|rd|th|\\.)? (?:of |de )?(?:${MONTHS})(?:,? (?:de )?\\d{4})?|(?:${MONTHS}) \\d{1,2}(?:st|nd|rd|th)?(?:,? \\d{4})?|(?:${MONTHS}) \\d{4})\\b`,
      'g',
    ),
    score: 0.99,
  },
  {
    type: 'PHONE',
    pattern:
      /(?<![\w.,/-])(?:\+\d{1,3}[ .-]?)?(?:\(0?\d{1,5}\)[ .-]?)?\d{2,5}(?:[ ./-]\d{2,7}){1,5}(?![\w]|[.,/-]\d)/g,
    score: 0.97,
    holds: isPhone,
  },
  { type: 'PHONE', pattern: /(?<![\w.,/-])(?:\+\d{8,15}|0\d{9,11})(?!\w)/g, score: 0.95 },
  {
    type: 'AGE',
    pattern: /\b(?<it>\d{1,3}(?: years old|-year-old| Jahre alt| años de edad)|(?<=\baged? )\d{1,3})\b/gi,
    score: 0.95,
    holds: (found) => Number.parseInt(found, 10) <= 120,
  },
  {
    type: 'NAME',
    pattern: new RegExp(`\\b(?:${TITLES})\\.? (?<it>${NAME_PART}(?: ${NAME_PART}){0,2})`, 'gu'),
    score: 0.98,
    holds: (found) => !NOT_NAMES.has(found.split(' ')[0] ?? ''),
  },
  {
    type: 'NAME',
    pattern: new RegExp(
      `${WORD_START}${NAME_PART}(?: \\p{Lu}\\.)?(?: (?:de la|de|van|von|del) )? ?(?:${NAME_PART})?`,
      'gu',
    ),
    score: 0.96,
    holds: (found) => GIVEN_NAMES.has(found.split(/[ -]/)[0] ?? ''),
  },
  {
    type: 'NAME',
    // The line under a closing formula is the writer.
    pattern: new RegExp(
      `(?:regards|wishes|Sincerely|sincerely|faithfully|truly|Grüßen|Grüße|saludo|atentamente),?\\s*\\n\\s*(?<it>(?:${NAME_PART}|\\p{Lu}\\.)(?: (?:${NAME_PART}|\\p{Lu}\\.)){0,3})(?=\\s*(?:\\n|$))`,
      'gu',
    ),
    score: 0.97,
  },
];

/** Personal data in a text, in the order of the text and without overlaps. */
export function findPii(text: string): Span[] {
  const found: Span[] = [];
  for (const { type, pattern, score, holds } of DETECTORS) {
    for (const match of text.matchAll(pattern)) {
      const it = trimName(type, match.groups?.it ?? match[0]);
      if (it === '' || (holds && !holds(it))) continue;
      const begin = match.index + match[0].lastIndexOf(match.groups?.it ?? match[0]);
      const end = begin + it.length;
      if (!found.some((other) => begin < other.end && other.begin < end)) {
        found.push({ type, begin, end, score });
      }
    }
  }
  return found.sort((a, b) => a.begin - b.begin);
}

/** A name ends before a capitalised word that is none («Helen In March»). */
function trimName(type: string, found: string): string {
  if (type !== 'NAME') return found.trimEnd();
  const parts = found.trimEnd().split(' ');
  const stop = parts.findIndex((part, index) => index > 0 && NOT_NAMES.has(part));
  return (stop === -1 ? parts : parts.slice(0, stop)).join(' ');
}

/** Luhn's checksum, and lengths and first digits that card networks use. */
function isCardNumber(found: string): boolean {
  const digits = found.replace(/\D/g, '');
  if (digits.length < 13 || !/^[2-6]/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** The checksum of ISO 13616: the number, its first four signs moved to the end, is 1 modulo 97. */
function isIban(found: string): boolean {
  const compact = found.replaceAll(' ', '');
  if (compact.length < 15 || compact.length > 34) return false;
  const digits = (compact.slice(4) + compact.slice(0, 4)).replace(/[A-Z]/g, (letter) =>
    String(letter.charCodeAt(0) - 55),
  );
  return [...digits].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1;
}

/** Seven to fifteen digits (ITU-T E.164) that begin as telephone numbers are written, or are grouped like one. */
function isPhone(found: string): boolean {
  const digits = found.replace(/\D/g, '');
  if (digits.length < 7 || digits.length > 15) return false;
  if (/^\d{4}-\d{2}-\d{2}$/.test(found)) return false;
  return /^[+(0]/.test(found) || /^\d{3}[ .-]\d{3}[ .-]\d{4}$/.test(found) || /^\d{3}-\d{4}$/.test(found);
}

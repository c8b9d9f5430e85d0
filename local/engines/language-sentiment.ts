import { type SentimentLanguage, sentimentLanguage } from './language-lexicon.ts';

export type SentimentLabel = 'POSITIVE' | 'NEGATIVE' | 'NEUTRAL' | 'MIXED';

export interface Sentiment {
  readonly label: SentimentLabel;
  /** Shares that add up to 1. */
  readonly scores: Readonly<Record<SentimentLabel, number>>;
}

/** Constants of VADER (Hutto and Gilbert, 2014). */
const NEGATION = -0.74;
const CAPITALS = 0.733;
const NORMALISATION = 15;
const EXCLAMATION = 0.292;
const DAMPING = [1, 0.95, 0.9] as const;

/** How soon feeling outweighs plain statements: with a mean strength of 0.15 a sentence they are even. */
const SENSITIVITY = 4.6;

/**
 * Judges a text sentence by sentence in the manner of VADER. The strength of praise and blame together decides how much
 * is neutral; how they balance decides between positive, negative and mixed.
 * @param language ISO 639-1
 * @returns undefined for a language without a lexicon
 */
export function analyseSentiment(text: string, language: string): Sentiment | undefined {
  const lexicon = sentimentLanguage(language);
  if (!lexicon) return undefined;
  const sentences = sentencesOf(text);
  let praise = 0;
  let blame = 0;
  for (const sentence of sentences) {
    const compound = compoundOf(sentence, lexicon);
    if (compound > 0) praise += compound;
    else blame -= compound;
  }
  const strength = praise + blame;
  const neutral = Math.exp((-SENSITIVITY * strength) / Math.max(1, sentences.length));
  const balance = strength === 0 ? 0 : (2 * Math.min(praise, blame)) / strength;
  const mixed = (1 - neutral) * balance ** 2;
  const oneSided = 1 - neutral - mixed;
  const scores = {
    POSITIVE: strength === 0 ? 0 : (oneSided * praise) / strength,
    NEGATIVE: strength === 0 ? 0 : (oneSided * blame) / strength,
    NEUTRAL: neutral,
    MIXED: mixed,
  };
  const labels: readonly SentimentLabel[] = ['POSITIVE', 'NEGATIVE', 'NEUTRAL', 'MIXED'];
  return { label: labels.reduce((best, label) => (scores[label] > scores[best] ? label : best)), scores };
}

/** A line break ends a sentence only before a capital or a number: recognised text has one at the end of every line. */
function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+|\n(?=[^\S\n]*(?:\n|[\p{Lu}\d]))/u)
    .filter((sentence) => /\p{L}/u.test(sentence));
}

/** -1..1 */
function compoundOf(sentence: string, language: SentimentLanguage): number {
  const tokens = sentence.match(
    /[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*|[:;=8][-^']?[)(DPp/|\\]|\p{Extended_Pictographic}/gu,
  );
  if (!tokens) return 0;
  const lower = tokens.map((token) => token.toLowerCase().replaceAll('’', "'"));
  // Capitals mean something only where not everything is written in them.
  const shouting = tokens.some((token) => token !== token.toUpperCase());
  const valences = lower.map((word, index) => {
    const base = language.valence(word);
    if (base === undefined || language.degrees.has(word)) return 0;
    const token = tokens[index] ?? '';
    const emphasised =
      shouting && token.length > 1 && token === token.toUpperCase() && token !== word
        ? base + Math.sign(base) * CAPITALS
        : base;
    return emphasised + degree(lower, index, base, language);
  });
  const weighed = weighContrast(lower, valences, language).map((valence, index) =>
    valence !== 0 && isNegated(lower, index, language) ? valence * NEGATION : valence,
  );
  const sum = weighed.reduce((total, valence) => total + valence, 0);
  const exclamations = Math.min(3, sentence.match(/!/g)?.length ?? 0) * EXCLAMATION;
  const total = sum === 0 ? 0 : sum + Math.sign(sum) * exclamations;
  return total / Math.sqrt(total * total + NORMALISATION);
}

/** What the degree words among the three words before add. */
function degree(words: readonly string[], index: number, base: number, language: SentimentLanguage): number {
  return DAMPING.reduce((sum, damping, distance) => {
    const step = language.degrees.get(words[index - 1 - distance] ?? '') ?? 0;
    return sum + Math.sign(base) * step * damping;
  }, 0);
}

function isNegated(words: readonly string[], index: number, language: SentimentLanguage): boolean {
  const { before, after } = language.negationReach;
  for (let at = Math.max(0, index - before); at <= Math.min(words.length - 1, index + after); at++) {
    const word = words[at] ?? '';
    if (at !== index && (language.negations.has(word) || word.endsWith("n't"))) return true;
  }
  return false;
}

/** What comes before a «but» counts half, what comes after it half as much again. */
function weighContrast(
  words: readonly string[],
  valences: readonly number[],
  language: SentimentLanguage,
): number[] {
  const turn = words.findIndex((word) => language.contrasts.has(word));
  if (turn <= 0) return [...valences];
  return valences.map((valence, index) => valence * (index < turn ? 0.5 : 1.5));
}

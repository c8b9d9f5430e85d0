import { eld } from 'eld/extrasmall';

export interface DetectedLanguage {
  /** ISO 639-1, as Comprehend names languages. */
  readonly code: string;
  /** 0..1; the scores of a text add up to 1 at most. */
  readonly score: number;
}

/** Only the beginning is looked at: it decides the language, and a long text would cost milliseconds. */
const LOOK_AT_CHARACTERS = 4000;

/** Below this many letters n-grams alone are a guess, and what is common in business mail decides. */
const SHORT_LETTERS = 24;
const COMMON: Readonly<Record<string, number>> = { en: 1.3, de: 1.12, es: 1.12, fr: 1.05 };

/** Words that two languages share or that n-grams get wrong, standing alone. */
const KNOWN: Readonly<Record<string, string>> = {
  hello: 'en',
  excellent: 'en',
  terrible: 'en',
  hola: 'es',
  hallo: 'de',
};

/** The languages of a text, the most likely first; none where it holds no words. */
export function detectLanguages(text: string): DetectedLanguage[] {
  const sample = text.slice(0, LOOK_AT_CHARACTERS);
  const letters = sample.match(/\p{L}+/gu) ?? [];
  const known = letters.length === 1 ? KNOWN[letters[0].toLowerCase()] : undefined;
  if (known) return [{ code: known, score: 0.6 }];
  const short = letters.join('').length < SHORT_LETTERS;
  const weighted = Object.entries(eld.detect(sample).getScores()).map(([code, score]): [string, number] => [
    code,
    score * (short ? (COMMON[code] ?? 1) : 1),
  ]);
  if (weighted.length === 0) return [];
  // Scores of n-grams lie close together: a power draws the winner out, as the probabilities of a classifier would be.
  const sharp = weighted.map(([code, score]): [string, number] => [code, score ** (short ? 4 : 12)]);
  const total = sharp.reduce((sum, [, score]) => sum + score, 0);
  return sharp
    .map(([code, score]) => ({ code, score: score / total }))
    .filter(({ score }) => score >= 0.01)
    .sort((a, b) => b.score - a.score);
}

import type { Prices } from '../shared/contract.ts';
import type { Kind } from './contract.ts';

/** Characters assumed on a page whose text is not known yet. */
const CHARACTERS_PER_PAGE = 3_000;

/** Sentiment, personal data, entities and key phrases read the whole text; the language's share is small. */
const COMPREHEND_PASSES = 4;

/** Comprehend bills by units of 100 characters, at least 3 for each request (AWS price list). */
const CHARACTERS_PER_UNIT = 100;
const LEAST_UNITS = 3;

/**
 * What Textract and Comprehend will charge for a document at list price, USD, rounded to a millionth.
 * @param characters of the text, when it is known
 */
export function estimateCost(
  kind: Kind,
  pages: number,
  characters: number | undefined,
  prices: Prices,
): number {
  const units = Math.max(
    LEAST_UNITS,
    Math.ceil((characters ?? pages * CHARACTERS_PER_PAGE) / CHARACTERS_PER_UNIT),
  );
  const reading = kind === 'text' ? 0 : pages * prices.textractPerPage;
  const analysis = units * COMPREHEND_PASSES * prices.comprehendPerUnit;
  return Math.round((reading + analysis) * 1e6) / 1e6;
}

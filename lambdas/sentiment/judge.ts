import { isNamed } from '../shared/errors.ts';
import { cutBytes } from '../shared/unicode.ts';
import { chunksOf } from './chunks.ts';
import { combine, winner } from './combine.ts';
import { BATCH_TEXTS, type Comprehend } from './comprehend.ts';
import type { Scores, SentimentResult } from './contract.ts';
import { redact } from './redact.ts';

/** Comprehend developer guide, quotas: 5 KB for sentiment and each text of a batch; 100 KB for the others. */
const BATCHED_BYTES = 5_000;
export const TEXT_BYTES = 100_000;

/** Languages of DetectSentiment (Comprehend developer guide, supported languages). */
const SENTIMENT_LANGUAGES = new Set([
  'ar',
  'de',
  'en',
  'es',
  'fr',
  'hi',
  'it',
  'ja',
  'ko',
  'pt',
  'zh',
  'zh-TW',
]);

/** Languages of DetectPiiEntities. */
const PII_LANGUAGES = new Set(['en', 'es']);

const UNKNOWN = 'UNKNOWN';

/** Whether there is anything to tell a language by. */
const hasWords = (text: string) => /[\p{L}\p{N}]/u.test(text);

/** The likeliest language, by the beginning of the text; UNKNOWN where there is nothing to tell it by. */
export async function languageOf(text: string, comprehend: Comprehend): Promise<string> {
  if (!hasWords(text)) return UNKNOWN;
  return (await comprehend.language(cutBytes(text, TEXT_BYTES))) || UNKNOWN;
}

/** The likeliest languages of texts, in their order, by what of each fits into a batch. */
export async function languagesOf(
  texts: readonly string[],
  comprehend: Comprehend,
): Promise<readonly string[]> {
  const beginnings = texts.map((text) => cutBytes(text, BATCHED_BYTES));
  const found = await batched(beginnings.filter(hasWords), (batch) => comprehend.languages(batch));
  const inOrder = found.values();
  return beginnings.map((beginning) => (hasWords(beginning) && inOrder.next().value) || UNKNOWN);
}

export type Mood = Pick<SentimentResult, 'sentiment' | 'scores' | 'chunks'>;

/**
 * The sentiment of each text from those of its parts, of which those in one language are asked about together. A text
 * without a word says nothing, which is neutral.
 */
export async function moodsOf(
  texts: readonly { readonly text: string; readonly language: string }[],
  comprehend: Comprehend,
): Promise<readonly Mood[]> {
  const parts = texts.flatMap(({ text, language }, of) =>
    SENTIMENT_LANGUAGES.has(language)
      ? chunksOf(text, BATCHED_BYTES)
          .filter((chunk) => chunk.trim() !== '')
          .map((chunk) => ({ of, language, chunk, weight: chunk.length }))
      : [],
  );
  const scored: { of: number; weight: number; scores: Scores }[] = [];
  for (const [language, group] of Map.groupBy(parts, (part) => part.language)) {
    const found = await scoresOf(
      group.map(({ chunk }) => chunk),
      language,
      comprehend,
    );
    scored.push(...group.flatMap(({ of, weight }, i) => (found[i] ? { of, weight, scores: found[i] } : [])));
  }
  const byText = Map.groupBy(scored, ({ of }) => of);
  return texts.map(({ text }, of): Mood => {
    const found = byText.get(of);
    if (!found) return { sentiment: text.trim() === '' ? 'NEUTRAL' : UNKNOWN, scores: null, chunks: 0 };
    const scores = combine(found);
    return { sentiment: winner(scores), scores, chunks: found.length };
  });
}

/** Scores of texts, in their order; empty where Comprehend does not know the language. */
async function scoresOf(
  texts: readonly string[],
  language: string,
  comprehend: Comprehend,
): Promise<readonly Scores[]> {
  try {
    return await batched(texts, (batch) => comprehend.sentiments(batch, language));
  } catch (error) {
    // Which languages there are is Comprehend's to say, and changes with region and time.
    if (!isNamed(error, 'UnsupportedLanguageException')) throw error;
    return [];
  }
}

/** Asks about as many texts as a batch takes, one batch after the other. */
async function batched<T>(
  texts: readonly string[],
  ask: (batch: readonly string[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (let at = 0; at < texts.length; at += BATCH_TEXTS) {
    found.push(...(await ask(texts.slice(at, at + BATCH_TEXTS))));
  }
  return found;
}

/** The text without personal data; `null` where Comprehend cannot find it in this language. */
export interface Redaction {
  readonly text: string | null;
  readonly types: readonly string[];
}

/** Takes personal data out of a text. */
export async function redactionOf(
  text: string,
  language: string,
  comprehend: Comprehend,
): Promise<Redaction> {
  if (text.trim() === '') return { text, types: [] };
  if (!PII_LANGUAGES.has(language)) return { text: null, types: [] };
  const parts: string[] = [];
  const types: string[] = [];
  for (const chunk of chunksOf(text, TEXT_BYTES)) {
    const found = chunk.trim() === '' ? [] : await comprehend.personalData(chunk, language);
    parts.push(redact(chunk, found));
    types.push(...found.map(({ type }) => type));
  }
  return { text: parts.join(''), types };
}

/** What is told of a text beside its mood. */
export function summaryOf(original: string, redaction: Redaction) {
  return {
    characters: countCodePoints(original),
    piiEntities: redaction.types.length,
    redaction: redaction.text === null ? ('NOT_SUPPORTED' as const) : ('DONE' as const),
  };
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

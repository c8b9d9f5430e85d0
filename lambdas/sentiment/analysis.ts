import { analysisKey, type TicketText } from '../crm-tickets/contract.ts';
import { LAKE, type ObjectRef } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { inLanes } from '../shared/lanes.ts';
import { JSON_TYPE, type Objects, TEXT } from '../shared/objects.ts';
import { cutBytes } from '../shared/unicode.ts';
import { chunksOf } from './chunks.ts';
import { combine, winner } from './combine.ts';
import type { Comprehend, Entity } from './comprehend.ts';
import type { Scores, SentimentResult } from './contract.ts';
import { redact } from './redact.ts';

/** Comprehend developer guide, quotas: 5 KB for sentiment; 100 KB for language, personal data, entities, phrases. */
const SENTIMENT_BYTES = 5_000;
const TEXT_BYTES = 100_000;
const BATCH_TEXTS = 25;

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

export interface AnalyseDependencies {
  readonly comprehend: Comprehend;
  readonly lake: Objects;
  readonly lakeBucket: string;
}

/** Analyses a text and writes the analysis and the redacted text to the lake. */
export async function analyse(
  fileId: string,
  text: ObjectRef,
  { comprehend, lake, lakeBucket }: AnalyseDependencies,
): Promise<SentimentResult> {
  const original = await lake.read(text);
  const { redaction, ...judged } = await judge(original, comprehend);
  const found =
    redaction.text === null ? null : await contentsOf(redaction.text, judged.language, comprehend);

  const analysis: ObjectRef = { bucket: lakeBucket, key: `${LAKE.analysis}documents/${fileId}.json` };
  const redacted: ObjectRef | null =
    redaction.text === null ? null : { bucket: lakeBucket, key: `${LAKE.redacted}documents/${fileId}.txt` };
  const summary = { ...judged, ...summaryOf(original, redaction) };
  const whole = {
    fileId,
    ...summary,
    pii: tally(redaction.types),
    entities: found?.entities ?? null,
    keyPhrases: found?.keyPhrases ?? null,
  };
  if (redacted && redaction.text !== null) await lake.write(redacted, redaction.text, TEXT);
  await lake.write(analysis, `${JSON.stringify(whole)}\n`, JSON_TYPE);
  return { ...summary, analysis, redacted };
}

/** Texts of one batch that are analysed at once: Comprehend's calls of a second are few. */
const LANES = 4;

/**
 * Analyses texts of tickets, each of which is named by its own digest: one that has an analysis, from an attempt that
 * was interrupted, is not paid for again. Entities and key phrases, which no table of tickets has, are not asked for.
 * The first line of a text is its subject.
 */
export async function analyseTexts(
  texts: readonly TicketText[],
  { comprehend, lake, lakeBucket }: AnalyseDependencies,
): Promise<{ readonly analysed: number; readonly characters: number }> {
  const characters = await inLanes(LANES, texts, async ({ sha256, text }) => {
    const ref: ObjectRef = { bucket: lakeBucket, key: analysisKey(sha256) };
    if (await isThere(lake, ref)) return 0;
    const original = await lake.read(text);
    const { redaction, scores, ...judged } = await judge(original, comprehend);
    const summary = summaryOf(original, redaction);
    const whole = {
      sha256,
      ...judged,
      ...summary,
      scores,
      sentimentScore: scores && Math.round((scores.positive - scores.negative) * 1e6) / 1e6,
      subject: redaction.text?.split('\n', 1)[0] ?? null,
    };
    await lake.write(ref, `${JSON.stringify(whole)}\n`, JSON_TYPE);
    return summary.characters;
  });
  return {
    analysed: characters.filter((count) => count > 0).length,
    characters: characters.reduce((sum, count) => sum + count, 0),
  };
}

async function isThere(lake: Pick<Objects, 'read'>, ref: ObjectRef): Promise<boolean> {
  try {
    await lake.read(ref);
    return true;
  } catch (error) {
    if (isNamed(error, 'NoSuchKey')) return false;
    throw error;
  }
}

/** Language, mood and personal data of a text. */
async function judge(original: string, comprehend: Comprehend) {
  const language = await languageOf(original, comprehend);
  const mood = await moodOf(original, language, comprehend);
  return { language, ...mood, redaction: await redactionOf(original, language, comprehend) };
}

function summaryOf(original: string, redaction: Redaction) {
  return {
    characters: countCodePoints(original),
    piiEntities: redaction.types.length,
    redaction: redaction.text === null ? ('NOT_SUPPORTED' as const) : ('DONE' as const),
  };
}

/** The likeliest language, by the beginning of the text; UNKNOWN where there is nothing to tell it by. */
async function languageOf(text: string, comprehend: Comprehend): Promise<string> {
  if (!/[\p{L}\p{N}]/u.test(text)) return UNKNOWN;
  const [likeliest] = await comprehend.languages(cutBytes(text, TEXT_BYTES));
  return likeliest?.code || UNKNOWN;
}

/** The sentiment of the whole from those of its parts. A text without a word says nothing, which is neutral. */
async function moodOf(
  text: string,
  language: string,
  comprehend: Comprehend,
): Promise<Pick<SentimentResult, 'sentiment' | 'scores' | 'chunks'>> {
  if (text.trim() === '') return { sentiment: 'NEUTRAL', scores: null, chunks: 0 };
  if (!SENTIMENT_LANGUAGES.has(language)) return { sentiment: UNKNOWN, scores: null, chunks: 0 };
  const chunks = chunksOf(text, SENTIMENT_BYTES).filter((chunk) => chunk.trim() !== '');
  try {
    const scores = combine(await scoresOf(chunks, language, comprehend));
    return { sentiment: winner(scores), scores, chunks: chunks.length };
  } catch (error) {
    // Which languages there are is Comprehend's to say, and changes with region and time.
    if (!isNamed(error, 'UnsupportedLanguageException')) throw error;
    return { sentiment: UNKNOWN, scores: null, chunks: 0 };
  }
}

async function scoresOf(chunks: readonly string[], language: string, comprehend: Comprehend) {
  const parts: { scores: Scores; weight: number }[] = [];
  for (let at = 0; at < chunks.length; at += BATCH_TEXTS) {
    const batch = chunks.slice(at, at + BATCH_TEXTS);
    const scores = await comprehend.sentiments(batch, language);
    for (const [i, score] of scores.entries()) {
      parts.push({ scores: score, weight: batch[i]?.length ?? 0 });
    }
  }
  return parts;
}

/** The text without personal data; `null` where Comprehend cannot find it in this language. */
interface Redaction {
  readonly text: string | null;
  readonly types: readonly string[];
}

async function redactionOf(text: string, language: string, comprehend: Comprehend): Promise<Redaction> {
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

/** Entities and key phrases of a text that has been redacted. */
async function contentsOf(redacted: string, language: string, comprehend: Comprehend) {
  const entities: Entity[] = [];
  const keyPhrases = new Set<string>();
  for (const chunk of chunksOf(redacted, TEXT_BYTES)) {
    if (chunk.trim() === '') continue;
    entities.push(...(await comprehend.entities(chunk, language)));
    for (const phrase of await comprehend.keyPhrases(chunk, language)) keyPhrases.add(phrase);
  }
  return { entities: distinct(entities), keyPhrases: [...keyPhrases] };
}

/** Each entity once, with the best of its scores. */
function distinct(entities: readonly Entity[]): Entity[] {
  const best = new Map<string, Entity>();
  for (const entity of entities) {
    const id = `${entity.type}\n${entity.text}`;
    if ((best.get(id)?.score ?? -1) < entity.score) best.set(id, entity);
  }
  return [...best.values()];
}

function tally(types: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const type of [...types].sort()) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

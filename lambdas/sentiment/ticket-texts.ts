import { analysisKey, type TicketText } from '../crm-tickets/contract.ts';
import type { ObjectRef } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { inLanes } from '../shared/lanes.ts';
import { JSON_TYPE, type Objects } from '../shared/objects.ts';
import type { AnalyseDependencies } from './analysis.ts';
import { languagesOf, type Mood, moodsOf, redactionOf, summaryOf } from './judge.ts';

/** Texts of one batch that are worked on at once: Comprehend's calls of a second are few. */
const LANES = 4;

/**
 * Analyses texts of tickets, each of which is named by its own digest: one that has an analysis, from an attempt that
 * was interrupted, is not paid for again. Languages and moods are asked for in batches; for personal data Comprehend has
 * none. Entities and key phrases, which no table of tickets has, are not asked for. The first line of a text is its
 * subject.
 */
export async function analyseTexts(
  texts: readonly TicketText[],
  { comprehend, lake, lakeBucket }: AnalyseDependencies,
): Promise<{ readonly analysed: number; readonly characters: number }> {
  const refOf = (sha256: string): ObjectRef => ({ bucket: lakeBucket, key: analysisKey(sha256) });
  const read = await inLanes(LANES, texts, async ({ sha256, text }) =>
    (await isThere(lake, refOf(sha256))) ? [] : [{ sha256, text: await lake.read(text) }],
  );
  const open = read.flat();
  const languages = await languagesOf(
    open.map(({ text }) => text),
    comprehend,
  );
  const named = open.map((one, i) => ({ ...one, language: languages[i] ?? '' }));
  const moods = await moodsOf(named, comprehend);
  const judged = named.map((one, i) => ({ ...one, mood: moods[i] }));
  const characters = await inLanes(LANES, judged, async ({ sha256, text, language, mood }) => {
    const redaction = await redactionOf(text, language, comprehend);
    const summary = summaryOf(text, redaction);
    const whole = {
      sha256,
      language,
      ...mood,
      ...summary,
      sentimentScore: scoreOf(mood),
      subject: redaction.text?.split('\n', 1)[0] ?? null,
    };
    await lake.write(refOf(sha256), `${JSON.stringify(whole)}\n`, JSON_TYPE);
    return summary.characters;
  });
  return { analysed: open.length, characters: characters.reduce((sum, count) => sum + count, 0) };
}

/** From −1 to 1, to six decimals; none where there are no scores. */
function scoreOf(mood: Mood | undefined): number | null {
  if (!mood?.scores) return null;
  return Math.round((mood.scores.positive - mood.scores.negative) * 1e6) / 1e6;
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

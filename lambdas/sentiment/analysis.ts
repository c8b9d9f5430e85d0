import { LAKE, type ObjectRef } from '../shared/contract.ts';
import { JSON_TYPE, type Objects, TEXT } from '../shared/objects.ts';
import { chunksOf } from './chunks.ts';
import type { Comprehend, Entity } from './comprehend.ts';
import type { SentimentResult } from './contract.ts';
import { languageOf, moodsOf, redactionOf, summaryOf, TEXT_BYTES } from './judge.ts';

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
  const language = await languageOf(original, comprehend);
  const [mood] = await moodsOf([{ text: original, language }], comprehend);
  if (!mood) throw new Error('One text has one mood.');
  const redaction = await redactionOf(original, language, comprehend);
  const found = redaction.text === null ? null : await contentsOf(redaction.text, language, comprehend);

  const analysis: ObjectRef = { bucket: lakeBucket, key: `${LAKE.analysis}documents/${fileId}.json` };
  const redacted: ObjectRef | null =
    redaction.text === null ? null : { bucket: lakeBucket, key: `${LAKE.redacted}documents/${fileId}.txt` };
  const summary = { language, ...mood, ...summaryOf(original, redaction) };
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

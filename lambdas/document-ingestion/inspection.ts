import {
  type Decision,
  LAKE,
  type Limits,
  type ObjectRef,
  type Prices,
  type Reason,
  type SourceFile,
} from '../shared/contract.ts';
import { type Objects, TEXT } from '../shared/objects.ts';
import type { Inspection } from './contract.ts';
import { estimateCost } from './cost.ts';
import type { ContentType } from './examine.ts';
import type { LandedObject, OpenObject } from './landed-object.ts';
import { Refusal, refuse } from './reasons.ts';
import { recognise, SIGNATURE_BYTES } from './signatures.ts';

export interface InspectDependencies {
  readonly open: OpenObject;
  readonly lake: Pick<Objects, 'write'>;
  readonly lakeBucket: string;
  readonly limits: Limits;
  readonly prices: Prices;
}

const UNKNOWN: ContentType = { kind: 'other', mediaType: 'application/octet-stream', label: 'file' };

/**
 * Judges a landed object by its content: accepts, rejects or holds it. Throws only what is ours to mend; whatever is
 * wrong with the file is in the verdict.
 * @param decision what a person decided of a file that waited: a release passes the limit of costs and nothing else, a
 * rejection is the verdict whatever the file holds
 */
export async function inspect(
  source: SourceFile,
  decision: Decision | undefined,
  dependencies: InspectDependencies,
): Promise<Inspection> {
  const isReleased = decision?.action === 'release';
  const { text, ...found } = await examineLanded(source, isReleased, dependencies);
  if (decision?.action !== 'reject') return { ...found, ...(text && { text }) };
  return { ...found, verdict: 'REJECTED', reason: refuse.byOperator(decision).reason };
}

async function examineLanded(
  source: SourceFile,
  isReleased: boolean,
  dependencies: InspectDependencies,
): Promise<Inspection> {
  const object = await dependencies.open(source);
  if (object) return judge(source, object, isReleased, dependencies);
  return {
    ...blank(source),
    verdict: 'REJECTED',
    reason: refuse.deleted().reason,
    receivedAt: new Date(0).toISOString(),
  };
}

/** What is true of a file before anything is known of it. */
function blank(source: SourceFile) {
  return {
    fileId: source.fileId,
    source,
    kind: UNKNOWN.kind,
    contentType: UNKNOWN.mediaType,
    bytes: 0,
    sha256: '',
    pages: 0,
    estimatedCostUsd: 0,
  };
}

async function judge(
  source: SourceFile,
  object: LandedObject,
  isReleased: boolean,
  { lake, lakeBucket, limits, prices, open: _ }: InspectDependencies,
): Promise<Inspection> {
  const found = {
    ...blank(source),
    bytes: object.bytes,
    receivedAt: object.storedAt.toISOString(),
  };
  let known: Omit<Inspection, 'verdict'> = found;
  try {
    const largest = Math.max(limits.maxTextBytes, limits.maxImageBytes, limits.maxDocumentBytes);
    if (object.bytes > largest) {
      const { type } = recognise(await object.readHead(SIGNATURE_BYTES));
      known = { ...found, kind: type.kind, contentType: type.mediaType };
      throw refuse.tooLarge(type.label, object.bytes, largest);
    }
    const { sha256, content } = await object.readAll();
    known = { ...found, sha256 };
    if (object.bytes === 0) throw refuse.empty();
    const { type, examine } = recognise(await content.read(0, SIGNATURE_BYTES));
    known = { ...known, kind: type.kind, contentType: type.mediaType };
    const { pages, text } = await examine(content, limits);
    known = { ...known, pages, estimatedCostUsd: estimateCost(type.kind, pages, text?.length, prices) };
    if (known.estimatedCostUsd > limits.holdAboveUsd && !isReleased) {
      return { ...known, verdict: 'HELD', reason: overLimit(known.estimatedCostUsd, limits.holdAboveUsd) };
    }
    if (text === undefined) return { ...known, verdict: 'ACCEPTED' };
    const ref: ObjectRef = {
      bucket: lakeBucket,
      key: `${LAKE.restricted}documents/${source.fileId}/text.txt`,
    };
    await lake.write(ref, text, TEXT);
    return { ...known, verdict: 'ACCEPTED', text: ref };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...known, verdict: 'REJECTED', reason: error.reason };
  }
}

function overLimit(costUsd: number, limitUsd: number): Reason {
  return {
    code: 'COST_OVER_LIMIT',
    message: `Processing the file would cost about $${costUsd.toFixed(2)}, over the limit of $${limitUsd.toFixed(2)} for one file. The pipeline's owner releases or rejects it; or send fewer pages.`,
  };
}

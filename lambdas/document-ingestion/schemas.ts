import * as z from 'zod/mini';
import type { Decision } from '../shared/contract.ts';
import { FileId, ObjectRefSchema, ReasonSchema, SourceFileSchema } from '../shared/schemas.ts';
import type { Inspection } from './contract.ts';

const DecisionSchema: z.ZodMiniType<Decision> = z.object({
  action: z.enum(['release', 'reject']),
  by: z.string().check(z.minLength(1), z.maxLength(256)),
  comment: z.optional(z.string().check(z.maxLength(500))),
});

/** `<file id>` for the first run of a file, which is a function of the object alone; deliberate reruns are `<file id>-r<n>`. */
const RERUN = /^[0-9a-f]{64}-r\d+$/;

/** What inspect is given: the execution's name and input. A decision is somebody's who started a rerun. */
export const InspectInput = z
  .object({
    executionName: z.string(),
    input: z.intersection(SourceFileSchema, z.object({ decision: z.optional(DecisionSchema) })),
  })
  .check(
    z.refine(({ executionName, input }) => input.decision === undefined || RERUN.test(executionName), {
      error: 'only a rerun, whose name ends in -r2, -r3 …, takes one',
      path: ['input', 'decision'],
    }),
  );

/** Inspect's answer as the state machine hands it on. */
export const InspectionSchema: z.ZodMiniType<Inspection> = z.object({
  fileId: FileId,
  source: SourceFileSchema,
  verdict: z.enum(['ACCEPTED', 'REJECTED', 'HELD']),
  reason: z.optional(ReasonSchema),
  kind: z.enum(['text', 'image', 'pdf', 'tiff', 'other']),
  contentType: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  pages: z.number(),
  estimatedCostUsd: z.number(),
  receivedAt: z.iso.datetime(),
  text: z.optional(ObjectRefSchema),
});

const Score = z.nullable(z.number());

/** What publish uses of the answer of ocr; `null` for text files. */
export const OcrSchema = z.nullable(z.object({ pages: z.number(), meanConfidence: Score }));

/** What publish uses of the answer of sentiment. */
export const AnalysisSummarySchema = z.object({
  language: z.string(),
  sentiment: z.enum(['POSITIVE', 'NEGATIVE', 'NEUTRAL', 'MIXED', 'UNKNOWN']),
  scores: z.nullable(
    z.object({ positive: z.number(), negative: z.number(), neutral: z.number(), mixed: z.number() }),
  ),
  piiEntities: z.number(),
  redaction: z.enum(['DONE', 'NOT_SUPPORTED']),
  analysis: ObjectRefSchema,
  redacted: z.nullable(ObjectRefSchema),
});

/** What publish uses of the whole analysis in the lake. */
export const AnalysisSchema = z.object({
  entities: z.nullable(z.array(z.object({ type: z.string(), text: z.string(), score: z.number() }))),
  keyPhrases: z.nullable(z.array(z.string())),
});

export const PublishInput = z.object({
  document: InspectionSchema,
  text: ObjectRefSchema,
  ocr: OcrSchema,
  analysis: AnalysisSummarySchema,
});

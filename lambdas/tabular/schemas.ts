import * as z from 'zod/mini';
import { SOURCE_FORMATS } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { ObjectRefSchema, ReasonSchema, SourceFileSchema } from '../shared/schemas.ts';
import type { Chunk, ChunkResult, SchemaChange, TabularSettings } from './contract.ts';
import type { Detected } from './formats/types.ts';

const Count = z.number().check(z.nonnegative());
const Codes = z.record(z.string(), Count);

export const DatasetName = z
  .string()
  .check(z.refine((name) => DATASETS[name]?.files !== undefined, { error: 'is no dataset of files' }));

export const SettingsSchema: z.ZodMiniType<TabularSettings> = z.object({
  maxBytes: z.number().check(z.positive()),
  splitBytes: z.number().check(z.positive()),
});

const DetectedSchema: z.ZodMiniType<Detected> = z.object({
  format: z.enum(SOURCE_FORMATS),
  compression: z.enum(['none', 'gzip']),
  encoding: z.enum(['utf-8', 'latin-1', 'ascii']),
  lineEnd: z.enum(['lf', 'cr']),
  delimiter: z.optional(z.enum([',', ';', '\t', '|'])),
  header: z.optional(z.array(z.string())),
});

const SchemaChangeSchema: z.ZodMiniType<SchemaChange> = z.object({
  added: z.array(z.string()),
  missing: z.array(z.string()),
});

/** A landed file as Inspect hands it on. */
export const FileSchema = z.object({
  dataset: DatasetName,
  source: SourceFileSchema,
  bytes: Count,
  landedAt: z.iso.datetime(),
  /** What it is; missing for a file that was refused before that was known. */
  detected: z.optional(DetectedSchema),
  /** Chunks that it is read in. */
  chunks: Count,
  schemaChange: z.optional(SchemaChangeSchema),
  /** Why each of its rows goes to quarantine. */
  everyRow: z.optional(ReasonSchema),
});
export type TabularFile = z.output<typeof FileSchema>;

export const ChunkSchema: z.ZodMiniType<Chunk> = z.object({
  n: Count,
  start: Count,
  end: Count,
  firstLine: Count,
});

export const ChunkResultSchema: z.ZodMiniType<ChunkResult> = z.object({
  chunk: ChunkSchema,
  rowsRead: Count,
  rows: Count,
  quarantined: Count,
  parts: z.array(z.object({ key: z.string(), rows: Count, bytes: Count })),
  codes: Codes,
  unknown: z.array(z.string()),
  runBytes: z.array(Count),
  refusal: z.optional(ReasonSchema),
});

/** What Compare says of a file. */
export const ComparedSchema = z.object({
  verdict: z.enum(['ACCEPTED', 'REJECTED', 'AGAIN']),
  reason: z.optional(ReasonSchema),
  rowsRead: Count,
  rows: Count,
  quarantined: Count,
  codes: Codes,
  /** With the columns that only some rows have. */
  schemaChange: z.optional(SchemaChangeSchema),
  /** Chunks to be read once more, because rows of them have the keys of earlier rows. */
  again: z.array(ChunkSchema),
});
export type Compared = z.output<typeof ComparedSchema>;

/** What a run published, kept so that it is not done again. */
export const PublishedSchema = z.looseObject({
  outcome: z.literal('SUCCEEDED'),
  rowsRead: Count,
  rows: Count,
  quarantined: Count,
  record: ObjectRefSchema,
});

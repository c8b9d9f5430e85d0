import * as z from 'zod/mini';
import { FileId, ObjectRefSchema } from '../shared/schemas.ts';
import type { Counts, SourcePage, Validated } from './contract.ts';

export const SourcePageSchema: z.ZodMiniType<SourcePage> = z.object({
  fileId: FileId,
  key: z.string().check(z.minLength(1)),
  source: z.string().check(z.minLength(1)),
  fetchedAt: z.iso.datetime(),
  sequence: z.number().check(z.nonnegative()),
});

const count = z.number().check(z.nonnegative());
const CountsSchema: z.ZodMiniType<Counts> = z.object({ read: count, accepted: count, quarantined: count });

export const ValidatedSchema: z.ZodMiniType<Validated> = z.object({
  pages: ObjectRefSchema,
  pageCount: count,
  morePages: z.boolean(),
  texts: ObjectRefSchema,
  textCount: count,
  tickets: CountsSchema,
  customers: CountsSchema,
});

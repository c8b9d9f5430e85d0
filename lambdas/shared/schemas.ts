import * as z from 'zod/mini';
import type { ObjectRef, Reason, SourceFile } from './contract.ts';

/** Shapes that several functions take. */

export const FileId = z.string().check(z.regex(/^[0-9a-f]{64}$/));

export const ObjectRefSchema: z.ZodMiniType<ObjectRef> = z.object({
  bucket: z.string().check(z.minLength(1)),
  key: z.string().check(z.minLength(1)),
});

export const SourceFileSchema: z.ZodMiniType<SourceFile> = z.object({
  fileId: FileId,
  bucket: z.string().check(z.minLength(1)),
  key: z.string().check(z.minLength(1)),
  versionId: z.string().check(z.minLength(1)),
});

export const ReasonSchema: z.ZodMiniType<Reason> = z.object({ code: z.string(), message: z.string() });

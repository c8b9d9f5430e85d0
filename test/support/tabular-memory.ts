import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { parquetReadObjects } from 'hyparquet';
import { sales as dataset } from '../../datasets/sales.ts';
import { sourceFile } from '../../lambdas/shared/file-id.ts';
import { readChunk } from '../../lambdas/tabular/chunk.ts';
import { compare } from '../../lambdas/tabular/comparison.ts';
import { inspect } from '../../lambdas/tabular/inspection.ts';
import { LinesFile } from '../../lambdas/tabular/lines-file.ts';
import { checkQuality } from '../../lambdas/tabular/quality.ts';
import type { Compared } from '../../lambdas/tabular/schemas.ts';
import type { Source } from '../../lambdas/tabular/source.ts';
import { type Shelf, shelfOf } from '../../lambdas/tabular/work.ts';

/** Objects by key: as much of S3 as the steps of tabular files use. */
export class MemoryLake {
  readonly objects = new Map<string, Buffer>();

  readonly s3: Pick<S3Client, 'send'> = {
    send: async (command: { input: Record<string, unknown> }) => {
      const { Key, Body, Range, Delete } = Object(command.input);
      if (command instanceof PutObjectCommand) {
        this.objects.set(Key, Buffer.from(Body));
        return {};
      }
      if (Delete) {
        for (const one of Delete.Objects) this.objects.delete(one.Key);
        return {};
      }
      const whole = this.objects.get(Key);
      if (!whole) throw Object.assign(new Error(Key), { name: 'NoSuchKey' });
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(Range ?? '') ?? [];
      const bytes = from === undefined ? whole : whole.subarray(Number(from), Number(to) + 1);
      return { Body: { transformToByteArray: async () => Uint8Array.from(bytes) } };
    },
  };
}

/** A landed file in memory, read in blocks. */
export function sourceOf(bytes: Buffer, blockBytes = 97): Source {
  return {
    head: async () => ({ bytes: bytes.length, landedAt: new Date('2026-11-20T10:00:00Z') }),
    async *stream(start, end) {
      for (let at = start; at < end; at += blockBytes)
        yield Uint8Array.from(bytes.subarray(at, Math.min(at + blockBytes, end)));
    },
    buffer: () => ({
      byteLength: bytes.length,
      slice: async (start, end) => Uint8Array.from(bytes.subarray(start, end)).buffer,
    }),
  };
}

/** What a file came to. */
export interface Read {
  readonly verdict: string;
  readonly code?: string | undefined;
  readonly compared?: Compared;
  readonly rows: readonly Record<string, unknown>[];
  readonly lines: readonly { readonly line: number; readonly code: string; readonly message: string }[];
  readonly lake: MemoryLake;
}

/** Takes a file of sales through the steps, as the state machine does, until it would be published or refused. */
export async function readSales(bytes: Buffer, splitBytes: number, key = 'sales/x.csv'): Promise<Read> {
  const lake = new MemoryLake();
  const source = sourceFile('landing', key, 'v1');
  const shelf = shelfOf(lake.s3, 'lake', { dataset: 'sales', source });
  const of = sourceOf(bytes);
  const settings = { maxBytes: 1e9, splitBytes };
  const { verdict, reason, file, chunks } = await inspect(dataset, source, { source: of, shelf, settings });
  if (verdict !== 'ACCEPTED') return { verdict, code: reason?.code, rows: [], lines: [], lake };
  const dependencies = {
    source: of,
    shelf,
    linesFile: (name: string) => new LinesFile(lake.s3, { bucket: 'lake', key: name }),
    maxBytes: 1e9,
  };
  for (const chunk of chunks) await readChunk(dataset, file, chunk, false, dependencies);
  let compared = await compare(dataset, file, false, shelf);
  if (compared.verdict === 'AGAIN') {
    for (const chunk of compared.again) await readChunk(dataset, file, chunk, true, dependencies);
    compared = await compare(dataset, file, true, shelf);
  }
  await checkQuality(await shelf.results(file.chunks), shelf);
  return {
    verdict: compared.verdict,
    code: compared.reason?.code,
    compared,
    rows: await rowsIn(shelf, file.chunks),
    lines: linesIn(lake),
    lake,
  };
}

async function rowsIn(shelf: Shelf, chunks: number) {
  const parts = (await shelf.results(chunks)).flatMap((result) => result.parts);
  const rows = await Promise.all(
    parts.map(async ({ key }) => {
      const bytes = (await shelf.read(key)) ?? new Uint8Array();
      return parquetReadObjects({ file: Uint8Array.from(bytes).buffer });
    }),
  );
  return rows.flat();
}

function linesIn({ objects }: MemoryLake) {
  return [...objects]
    .filter(([key]) => key.endsWith('.jsonl'))
    .flatMap(([, bytes]) => bytes.toString().trimEnd().split('\n'))
    .map((line): { line: number; code: string; message: string } => JSON.parse(line))
    .sort((a, b) => a.line - b.line);
}

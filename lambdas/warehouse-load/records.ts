import * as z from 'zod/mini';
import { type Dataset, partitionOf } from '../../datasets/dataset.ts';
import { LAKE } from '../shared/contract.ts';
import { parquetOf } from '../shared/dataset/parquet.ts';
import type { Row } from '../shared/dataset/values.ts';
import { inLanes } from '../shared/lanes.ts';
import { parseJson } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import { InvalidRecord } from './errors.ts';
import { type Gathered, type GatherInput, LANES, PARQUET_TYPE, type Part, type Source } from './parts.ts';
import { rowOf } from './rows.ts';
import { stagedColumns } from './sql.ts';

interface CuratedRecord {
  readonly partition: string;
  readonly row: Row;
  readonly source: Source;
}

const Identified = z.looseObject({ file_id: FileId, file_name: z.string() });

/** Reads curated records, checks each against its dataset, and writes one Parquet file for each partition. */
export async function recordParts({ dataset, loadId, entries, lake }: GatherInput): Promise<Gathered> {
  const records = await inLanes(LANES, entries, async (entry) => {
    const { body, writtenAt } = await lake.read(entry.key, { versionId: entry.versionId });
    return recordOf(dataset, entry.key, new TextDecoder().decode(body), writtenAt);
  });
  const columns = stagedColumns(dataset);
  const partitions = [...Map.groupBy(records, (record) => record.partition)];
  const parts = await inLanes(LANES, partitions, async ([partition, members]): Promise<Part> => {
    const key = `${LAKE.loaded}${dataset.name}/${partition}${loadId}.parquet`;
    const body = parquetOf(
      columns,
      members.map(({ row }) => row),
    );
    await lake.write(key, body, PARQUET_TYPE);
    return { key, rows: members.length, bytes: body.byteLength, columns: columns.map(({ name }) => name) };
  });
  return { parts, sources: sourcesOf(records), isMixed: false };
}

function recordOf(dataset: Dataset, key: string, body: string, publishedAt: Date): CuratedRecord {
  const record = parseJson(Identified, body, `record ${key}`);
  const row = rowOf(dataset, record, key);
  const instant = row[dataset.columns.findIndex((column) => column.name === dataset.partitionBy)];
  if (!(instant instanceof Date)) {
    throw new InvalidRecord(`${key}: ${dataset.partitionBy} is missing, and it partitions ${dataset.name}.`);
  }
  return {
    partition: partitionOf(instant),
    row: [...row, publishedAt],
    source: { fileId: record.file_id, fileName: record.file_name, landedAt: publishedAt, rows: 1 },
  };
}

/** Each file once, though two records may be of the same. */
function sourcesOf(records: readonly CuratedRecord[]): Source[] {
  const sources = new Map<string, Source>();
  for (const { source } of records) {
    const known = sources.get(source.fileId);
    const landedAt = known && known.landedAt > source.landedAt ? known.landedAt : source.landedAt;
    sources.set(source.fileId, { ...source, landedAt, rows: (known?.rows ?? 0) + 1 });
  }
  return [...sources.values()];
}

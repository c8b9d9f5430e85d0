import { type Dataset, partitionOf } from '../../datasets/dataset.ts';
import { parseJson } from '../shared/parse.ts';
import { type Publication, PublicationSchema, publicationKey } from '../shared/publication.ts';
import { NotCompacted } from './errors.ts';
import type { LakeFiles, Listed } from './lake.ts';
import { type Footer, firstRow } from './parquet-file.ts';
import { fileIdIn } from './partitions.ts';

/** `not listed`: its file has a publication, of other parts; `unknown`: it does not say where its rows came from. */
export type Standing = 'published' | 'not listed' | 'unpublished' | 'unknown';

/** Publications, each read once. */
export class Publications {
  readonly #lake: LakeFiles;
  readonly #dataset: Dataset;
  readonly #read = new Map<string, Promise<Publication | undefined>>();

  constructor(lake: LakeFiles, dataset: Dataset) {
    this.#lake = lake;
    this.#dataset = dataset;
  }

  /**
   * What a part's publication says of it. The day on which the part's file landed says where it would be.
   * @throws NotCompacted when the part is not what its publication says
   */
  async look(part: Omit<Listed, 'modified'>, footer: Footer): Promise<Standing> {
    const { origin, name } = this.#dataset;
    const fileId = fileIdIn(part.key);
    if (origin === 'records' || fileId === undefined || footer.rows === 0) return 'unknown';
    const [landedAt] = await firstRow(fileOf(this.#lake, part), footer, ['landed_at']);
    if (!(landedAt instanceof Date)) return 'unknown';
    const publication = await this.#at(publicationKey(origin, name, partitionOf(landedAt), fileId));
    if (!publication) return 'unpublished';
    const listed = publication.parts.find(({ key }) => key === part.key);
    if (!listed) return 'not listed';
    if (listed.rows === footer.rows && listed.bytes === part.bytes) return 'published';
    throw new NotCompacted(
      `${part.key} has ${footer.rows} rows in ${part.bytes} bytes; its publication says ${listed.rows} in ${listed.bytes}.`,
    );
  }

  #at(key: string): Promise<Publication | undefined> {
    const known = this.#read.get(key) ?? this.#get(key);
    this.#read.set(key, known);
    return known;
  }

  async #get(key: string): Promise<Publication | undefined> {
    const found = await this.#lake.text(key);
    return found && parseJson(PublicationSchema, found.body, `publication ${key}`);
  }
}

/** A Parquet file in the lake, of which only what is asked for is read. */
export function fileOf(lake: LakeFiles, { key, bytes }: Pick<Listed, 'key' | 'bytes'>) {
  return {
    byteLength: bytes,
    async slice(start: number, end = bytes): Promise<ArrayBuffer> {
      const { buffer, byteOffset, byteLength } = await lake.bytes(key, { start, end: end - 1 });
      const copy = new ArrayBuffer(byteLength);
      new Uint8Array(copy).set(new Uint8Array(buffer, byteOffset, byteLength));
      return copy;
    },
  };
}

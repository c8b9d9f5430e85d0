import { parseCsv } from './csv.ts';
import type { ItemReader, MapState } from './definition.ts';
import { StateError } from './errors.ts';
import { isArray, isObject, type Json, type JsonObject, parseJson, toJson } from './json.ts';
import { itemsOf, type MapItem } from './states/map.ts';
import { failureOf, type Walk } from './walk.ts';

const DELIMITERS: Readonly<Record<string, string>> = {
  COMMA: ',',
  PIPE: '|',
  SEMICOLON: ';',
  SPACE: ' ',
  TAB: '\t',
};

/** Makes items of an object's text, by `InputType`. */
const PARSERS: Readonly<
  Record<string, (text: string, config: NonNullable<ItemReader['ReaderConfig']>) => Json[]>
> = {
  JSON(text) {
    const value = parseJson(text);
    if (isArray(value)) return [...value];
    if (isObject(value)) return Object.entries(value).map(([Key, Value]) => ({ Key, Value }));
    throw new Error('the JSON file holds neither an array nor an object');
  },
  JSONL: (text) =>
    text
      .split('\n')
      .filter((line) => line.trim())
      .map(parseJson),
  CSV(text, config) {
    const records = parseCsv(text, DELIMITERS[config.CSVDelimiter ?? 'COMMA']);
    const header = config.CSVHeaderLocation === 'GIVEN' ? (config.CSVHeaders ?? []) : (records.shift() ?? []);
    return records.map((fields) => Object.fromEntries(header.map((name, i) => [name, fields[i] ?? ''])));
  },
};

/** Items of a distributed Map: read from S3 where there is an `ItemReader`. */
export async function readItems(walk: Walk, state: MapState): Promise<MapItem[]> {
  const { ItemReader: reader } = state;
  if (!reader) return itemsOf(walk, state);
  const config = reader.ReaderConfig ?? {};
  const args = await walk.evaluate(reader.Arguments ?? {}, 'ItemReader/Arguments');
  const limit =
    (await walk.evaluateNumber(config.MaxItems, 'ItemReader/ReaderConfig/MaxItems')) ||
    Number.POSITIVE_INFINITY;
  const read = READERS[reader.Resource.split(':').at(-1) ?? ''];
  if (!read)
    throw new StateError('States.Runtime', `The ItemReader resource '${reader.Resource}' is not supported.`);
  let items: Json[];
  try {
    items = await read(walk, isObject(args) ? args : {}, config, limit);
  } catch (error) {
    const { reason } = failureOf(error, walk.signal);
    throw new StateError('States.ItemReaderFailed', `Attempting to read ${JSON.stringify(args)}: ${reason}`, {
      cause: error,
    });
  }
  return items.slice(0, limit).map((Value, Index) => ({ value: Value, context: { Item: { Index, Value } } }));
}

type Read = (
  walk: Walk,
  args: JsonObject,
  config: NonNullable<ItemReader['ReaderConfig']>,
  limit: number,
) => Promise<Json[]>;

const READERS: Readonly<Record<string, Read>> = {
  async getObject(walk, args, config) {
    const type = config.InputType ?? 'JSON';
    const parse = PARSERS[type];
    if (!parse)
      throw new StateError('States.Runtime', `The ItemReader InputType '${type}' is not supported.`);
    const { Body } = await walk.host.call('s3', 'GetObject', args, walk.signal);
    return parse(Body instanceof Uint8Array ? Buffer.from(Body).toString('utf8') : String(Body), config);
  },
  async listObjectsV2(walk, args, _config, limit) {
    const items: Json[] = [];
    let token: Json | undefined;
    do {
      const page = toJson(
        await walk.host.call(
          's3',
          'ListObjectsV2',
          { ...args, ...(token && { ContinuationToken: token }) },
          walk.signal,
        ),
      );
      if (!isObject(page)) break;
      if (page.Contents && isArray(page.Contents)) items.push(...page.Contents);
      token = page.NextContinuationToken;
    } while (token && items.length < limit);
    return items;
  },
};

/** A JSON value. Values that have been read are never changed in place: states share them. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** A value together with its JSON text, so that a payload is serialised once per transition. */
export interface Payload {
  readonly value: Json;
  readonly text: string;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isArray = (value: Json): value is readonly Json[] => Array.isArray(value);

export function parseJson(text: string): Json {
  return JSON.parse(text);
}

export const payloadOf = (value: Json): Payload => ({ value, text: JSON.stringify(value) });

/** Serialises what a service answered; dates become ISO text and bytes base64, as the SDK integrations show them. */
export function toJson(value: unknown): Json {
  return value === undefined ? {} : parseJson(JSON.stringify(value, encodeBytes) ?? '{}');
}

function encodeBytes(this: unknown, key: string, value: unknown): unknown {
  const raw = typeof this === 'object' && this !== null ? Reflect.get(this, key) : value;
  return raw instanceof Uint8Array ? Buffer.from(raw).toString('base64') : value;
}

/** Bytes of a payload: 256 KiB (Step Functions quotas, "Maximum input or output size"). */
export const PAYLOAD_LIMIT = 262_144;

/** Whether JSON text is over the payload limit; the common small text is not measured. */
export const isTooLarge = (text: string): boolean =>
  text.length * 3 > PAYLOAD_LIMIT && Buffer.byteLength(text) > PAYLOAD_LIMIT;

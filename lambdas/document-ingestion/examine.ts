import type { Limits } from '../shared/contract.ts';
import type { ByteSource } from './bytes.ts';
import type { Kind } from './contract.ts';
import { refuse } from './reasons.ts';
import { decodeText } from './text.ts';

/** A type of content: how it is recognised is in `signatures.ts`. */
export interface ContentType {
  readonly kind: Kind;
  readonly mediaType: string;
  /** For sentences: `PNG image`. */
  readonly label: string;
}

/** What an examiner found in content that it accepts. */
export interface Findings {
  readonly pages: number;
  /** Text files only. */
  readonly text?: string;
}

/** Reads as much of the content as its judgement needs. Throws `Refusal`. */
export type Examine = (content: ByteSource, limits: Limits) => Promise<Findings>;

export const examineText: Examine = async (content, limits) => {
  if (content.size > limits.maxTextBytes) throw refuse.tooLarge('text', content.size, limits.maxTextBytes);
  const decoded = decodeText(await content.read(0, content.size));
  if (!decoded) throw refuse.unsupported('unknown binary data');
  return { pages: 1, text: decoded.text };
};

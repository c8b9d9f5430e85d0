import { type ContentType, type Examine, examineText } from './examine.ts';
import { refuse } from './reasons.ts';

/** Bytes of the beginning that `recognise` looks at. */
export const SIGNATURE_BYTES = 4096;

/** Recognises content by its first bytes, and says who examines it. */
export function recognise(head: Buffer): { readonly type: ContentType; readonly examine: Examine } {
  const known = REFUSED.find(({ magic, at = 0 }) => head.subarray(at, at + magic.length).equals(magic));
  if (known)
    return { type: other(known.label), examine: () => Promise.reject(refuse.unsupported(known.label)) };
  return { type: { kind: 'text', mediaType: 'text/plain', label: 'text' }, examine: examineText };
}

function other(label: string): ContentType {
  return { kind: 'other', mediaType: 'application/octet-stream', label };
}

const REFUSED: readonly { readonly magic: Buffer; readonly at?: number; readonly label: string }[] = [
  { magic: Buffer.from('MZ'), label: 'a Windows program' },
];

import { cutBytes, utf8Bytes } from '../shared/unicode.ts';

/**
 * Cuts a text into parts of at most `maxBytes` in UTF-8, at ends of sentences where it can, else between words, else
 * between code points. The parts joined are the text.
 */
export function chunksOf(text: string, maxBytes: number): string[] {
  if (utf8Bytes(text) <= maxBytes) return text === '' ? [] : [text];
  return pack(sentencesOf(text), maxBytes, (sentence) =>
    pack(wordsOf(sentence), maxBytes, (word) => codePointsOf(word, maxBytes)),
  );
}

/** Joins neighbours as long as they fit; what does not fit alone is broken up first. */
function pack(parts: Iterable<string>, maxBytes: number, breakUp: (part: string) => string[]): string[] {
  const packed: string[] = [];
  let current = '';
  let bytes = 0;
  const push = (part: string, size: number) => {
    if (bytes + size > maxBytes && current !== '') {
      packed.push(current);
      current = '';
      bytes = 0;
    }
    current += part;
    bytes += size;
  };
  for (const part of parts) {
    const size = utf8Bytes(part);
    if (size <= maxBytes) push(part, size);
    else for (const piece of breakUp(part)) push(piece, utf8Bytes(piece));
  }
  if (current !== '') packed.push(current);
  return packed;
}

/** The segmenter takes quadratic time on long texts, so it gets paragraphs. */
const LONGEST_SEGMENTED = 4_000;

/** Made for texts of more than one chunk only: it takes longer to start than the rest of the function's own code. */
let segmenter: Intl.Segmenter | undefined;

function* sentencesOf(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'sentence' });
  for (const line of text.match(/[^\n]*\n+|[^\n]+$/g) ?? []) {
    if (line.length > LONGEST_SEGMENTED)
      yield* line.match(/[^.!?。！？]*[.!?。！？]+\s*|[^.!?。！？]+$/gu) ?? [line];
    else for (const { segment } of segmenter.segment(line)) yield segment;
  }
}

function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/gu) ?? [text];
}

function codePointsOf(text: string, maxBytes: number): string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== ''; ) {
    // At least one code point, whatever the limit, so that it ends.
    const piece = cutBytes(rest, maxBytes) || String.fromCodePoint(rest.codePointAt(0) ?? 0);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return pieces;
}

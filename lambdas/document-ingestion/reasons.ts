import type { Decision, Reason } from '../shared/contract.ts';
import type { ReasonCode } from './contract.ts';

/** A refusal on its way to the verdict: thrown by examiners, never out of inspect. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: ReasonCode;

  constructor(code: ReasonCode, message: string) {
    super(message);
    this.code = code;
  }

  get reason(): Reason {
    return { code: this.code, message: this.message };
  }
}

/** A size for people: `4.5 MB` (10^6 bytes). */
export function megabytes(bytes: number): string {
  return `${Number((bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1))} MB`;
}

/** The sentences of support: what is wrong, and what to do. */
export const refuse = {
  empty: () =>
    new Refusal(
      'EMPTY_FILE',
      'The file is empty (0 bytes). Check the export or the upload, and send the file again.',
    ),
  unsupported: (what: string) =>
    new Refusal(
      'UNSUPPORTED_TYPE',
      `The content of the file is ${what}, whatever its name says. Send text, PNG, JPEG, PDF or TIFF.`,
    ),
  corrupt: (what: string, detail: string) =>
    new Refusal(
      'CORRUPT_FILE',
      `The ${what} is damaged or was cut off: ${detail}. Open it to check, save it anew, and send it again.`,
    ),
  encrypted: () =>
    new Refusal(
      'ENCRYPTED',
      'The PDF is protected by a password or by encryption. Save a copy without protection, and send that.',
    ),
  noPages: (what: string) =>
    new Refusal(
      'NO_PAGES',
      `The ${what} has no pages. Save it anew from the program it comes from, and send it again.`,
    ),
  tooLarge: (what: string, bytes: number, limit: number) =>
    new Refusal(
      'TOO_LARGE',
      `The ${what} has ${megabytes(bytes)}; at most ${megabytes(limit)} are taken. Split it or save it smaller, and send the parts.`,
    ),
  tooManyPages: (what: string, pages: number, limit: number) =>
    new Refusal(
      'TOO_MANY_PAGES',
      `The ${what} has ${pages} pages; at most ${limit} are taken. Split it, and send the parts.`,
    ),
  imageTooLarge: (what: string, width: number, height: number, limit: string) =>
    new Refusal(
      'IMAGE_TOO_LARGE',
      `The ${what} measures ${width} × ${height}; ${limit}. Scan or save it at another resolution, and send it again.`,
    ),
  deleted: () =>
    new Refusal(
      'DELETED',
      'The file was deleted before it could be read. Send it again if it is still wanted.',
    ),
  byOperator: ({ by, comment }: Decision) =>
    new Refusal(
      'REJECTED_BY_OPERATOR',
      `${by} decided not to process the file${comment ? `: ${comment}` : '.'}`,
    ),
} as const;

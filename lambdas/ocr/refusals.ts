import type { Reason } from '../shared/contract.ts';
import { nameOf } from '../shared/errors.ts';
import type { OcrRejected } from './contract.ts';

const CORRUPT: Reason = {
  code: 'CORRUPT_FILE',
  message:
    'Textract could not read the document: it is damaged, or not quite of the type it seems to be. Open it to check, save it anew, and send it again.',
};
const TOO_LARGE: Reason = {
  code: 'TOO_LARGE',
  message: 'The document is too large for Textract. Split it or save it smaller, and send the parts.',
};
const ENCRYPTED: Reason = {
  code: 'ENCRYPTED',
  message:
    'The PDF is protected by a password or by encryption. Save a copy without protection, and send that.',
};
const DELETED: Reason = {
  code: 'DELETED',
  message: 'The file was deleted before it could be read. Send it again if it is still wanted.',
};

/** Errors of Textract that are the document's fault. */
const BY_ERROR: Readonly<Record<string, Reason>> = {
  UnsupportedDocumentException: CORRUPT,
  BadDocumentException: CORRUPT,
  DocumentTooLargeException: TOO_LARGE,
};

/** Status messages of failed jobs that are the document's fault; AWS does not list them all. */
const BY_STATUS: readonly (readonly [RegExp, Reason])[] = [
  [/password|encrypt/i, ENCRYPTED],
  [/too.?large|size|exceed.*(limit|pages)/i, TOO_LARGE],
  [/not.?found|no.?such.?key|does not exist/i, DELETED],
  [/(unsupported|bad|invalid|corrupt).*(document|image|pdf|tiff|format|file)/i, CORRUPT],
];

/** The refusal that an error of Textract means; undefined when it is not the document's fault. */
export function refusalOfError(error: unknown): OcrRejected | undefined {
  return rejected(BY_ERROR[nameOf(error)]);
}

/** The refusal that a failed job means; undefined when it is not the document's fault. */
export function refusalOfJob(statusMessage: string): OcrRejected | undefined {
  return rejected(BY_STATUS.find(([pattern]) => pattern.test(statusMessage))?.[1]);
}

/** Pages that Textract could not read make the document incomplete, and half a document is not published as a whole. */
export function refusalOfPages(pages: readonly number[]): OcrRejected {
  const which =
    pages.length > 0 ? `pages ${[...new Set(pages)].sort((a, b) => a - b).join(', ')}` : 'some pages';
  return {
    outcome: 'REJECTED',
    reason: {
      code: 'UNREADABLE_PAGES',
      message: `Textract could not read ${which} of the document. Scan or save these pages anew, and send the whole document again.`,
    },
  };
}

function rejected(reason: Reason | undefined): OcrRejected | undefined {
  return reason && { outcome: 'REJECTED', reason };
}

/** Codes of warnings about pages that are Textract's trouble, not the document's. */
const TROUBLE = /internal|throttl|throughput|time.?out|unavailable/i;

/** Whether pages were left out for a reason that another attempt may not meet. */
export function hasTroubleOfTextract(warnings: readonly { readonly code: string }[]): boolean {
  return warnings.some(({ code }) => TROUBLE.test(code));
}

import { type ContentType, type Examine, examineText } from './examine.ts';
import { examineJpeg, examinePng } from './image.ts';
import { examinePdf } from './pdf.ts';
import { refuse } from './reasons.ts';
import { examineTiff } from './tiff.ts';

/** Bytes of the beginning that `recognise` looks at. */
export const SIGNATURE_BYTES = 4096;

export interface Recognised {
  readonly type: ContentType;
  readonly examine: Examine;
}

/** Recognises content by its first bytes, and says who examines it. What has no signature may be text. */
export function recognise(head: Buffer): Recognised {
  return SIGNATURES.find(({ fits }) => fits(head)) ?? TEXT;
}

interface Signature extends Recognised {
  fits(head: Buffer): boolean;
}

/** Bytes at a place, written as Latin-1 text. */
const at =
  (offset: number, ...magics: readonly string[]) =>
  (head: Buffer) =>
    magics.some((magic) => head.toString('latin1', offset, offset + magic.length) === magic);

/** A PDF reader looks for the header within the first 1,024 bytes (ISO 32000-1, annex H.3.4.1). */
const PDF_HEADER_WITHIN = 1024;

const accepted = (
  fits: Signature['fits'],
  kind: ContentType['kind'],
  mediaType: string,
  label: string,
  examine: Examine,
): Signature => ({ fits, type: { kind, mediaType, label }, examine });

const refused = (fits: Signature['fits'], mediaType: string, label: string): Signature => ({
  fits,
  type: { kind: 'other', mediaType, label },
  examine: () => Promise.reject(refuse.unsupported(label)),
});

const TEXT: Recognised = {
  type: { kind: 'text', mediaType: 'text/plain', label: 'text' },
  examine: examineText,
};

/** The first that fits counts. */
const SIGNATURES: readonly Signature[] = [
  accepted(at(0, '\x89PNG\r\n\x1a\n'), 'image', 'image/png', 'PNG image', examinePng),
  accepted(at(0, '\xff\xd8\xff'), 'image', 'image/jpeg', 'JPEG image', examineJpeg),
  accepted(
    at(0, 'II*\0', 'MM\0*', 'II+\0\x08\0\0\0', 'MM\0+\0\x08\0\0'),
    'tiff',
    'image/tiff',
    'TIFF file',
    examineTiff,
  ),
  refused(isWindowsProgram, 'application/vnd.microsoft.portable-executable', 'a Windows program'),
  refused(at(0, '\x7fELF'), 'application/x-executable', 'a Linux program'),
  refused(at(0, '\xca\xfe\xba\xbe'), 'application/java-vm', 'a compiled Java class or a macOS program'),
  refused(
    at(0, '\xfe\xed\xfa\xce', '\xfe\xed\xfa\xcf', '\xce\xfa\xed\xfe', '\xcf\xfa\xed\xfe'),
    'application/x-mach-binary',
    'a macOS program',
  ),
  refused(at(0, '\0asm'), 'application/wasm', 'a WebAssembly program'),
  refused(isOffice, 'application/zip', 'an office document'),
  refused(at(0, 'PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'), 'application/zip', 'a zip archive'),
  refused(at(0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'), 'application/x-ole-storage', 'an older office document'),
  refused(at(0, '7z\xbc\xaf\x27\x1c'), 'application/x-7z-compressed', 'a 7z archive'),
  refused(at(0, '\x1f\x8b'), 'application/gzip', 'a gzip archive'),
  refused(at(0, 'Rar!\x1a\x07'), 'application/vnd.rar', 'a RAR archive'),
  refused(at(0, 'BZh'), 'application/x-bzip2', 'a bzip2 archive'),
  refused(at(0, '\xfd7zXZ\0'), 'application/x-xz', 'an xz archive'),
  refused(at(0, '\x28\xb5\x2f\xfd'), 'application/zstd', 'a Zstandard archive'),
  refused(at(257, 'ustar'), 'application/x-tar', 'a tar archive'),
  refused(at(0, 'GIF87a', 'GIF89a'), 'image/gif', 'a GIF image'),
  refused(at(0, 'BM\0', 'BM6', 'BM8'), 'image/bmp', 'a BMP image'),
  refused((head) => at(0, 'RIFF')(head) && at(8, 'WEBP')(head), 'image/webp', 'a WebP image'),
  refused(
    (head) => at(4, 'ftyp')(head) && at(8, 'heic', 'heix', 'mif1', 'avif')(head),
    'image/heic',
    'a HEIC image',
  ),
  refused(at(4, 'ftyp'), 'video/mp4', 'a video or sound file'),
  refused(
    (head) => at(0, 'RIFF')(head) && at(8, 'WAVE', 'AVI ')(head),
    'video/x-msvideo',
    'a video or sound file',
  ),
  refused(at(0, '\0\0\0\x0cjP  '), 'image/jp2', 'a JPEG 2000 image'),
  refused(at(0, '{\\rtf'), 'application/rtf', 'an RTF document'),
  refused(at(0, 'SQLite format 3\0'), 'application/vnd.sqlite3', 'a database'),
  refused(at(0, 'PAR1'), 'application/vnd.apache.parquet', 'a Parquet file'),
  accepted(
    (head) => head.subarray(0, PDF_HEADER_WITHIN).includes('%PDF-'),
    'pdf',
    'application/pdf',
    'PDF',
    examinePdf,
  ),
];

/** `MZ` alone may begin a text; a program has binary data right after it. */
function isWindowsProgram(head: Buffer): boolean {
  return at(0, 'MZ')(head) && (head.length < 4 || head.subarray(2, 64).some((byte) => byte === 0));
}

/** Office documents are zip archives whose first members have tell-tale names. */
function isOffice(head: Buffer): boolean {
  if (!at(0, 'PK\x03\x04')(head)) return false;
  return ['[Content_Types].xml', 'mimetypeapplication/vnd.oasis', 'word/', 'xl/', 'ppt/', '_rels/.rels'].some(
    (name) => head.includes(name),
  );
}

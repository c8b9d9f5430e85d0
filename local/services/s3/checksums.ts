import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Error } from './errors.ts';

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';
/** Base64 values by algorithm; for multipart objects of type COMPOSITE with `-<parts>` behind. */
export type Checksums = Partial<Record<ChecksumAlgorithm, string>>;

export interface Hasher {
  update(chunk: Uint8Array): void;
  /** The checksum in base64. */
  digest(): string;
}

/** Reflected polynomials: CRC-32C (Castagnoli, RFC 3720) and CRC-64/NVME (NVM Express specification). */
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC64_POLYNOMIAL = { high: 0x9a6c9329, low: 0xac4bc9b5 };

const crc32cTable = new Int32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
  return crc;
});

/** 64 bits as two halves, because BigInt is some fifty times slower. */
const crc64Table = { high: new Int32Array(256), low: new Int32Array(256) };
for (let byte = 0; byte < 256; byte++) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry) {
      low ^= CRC64_POLYNOMIAL.low;
      high ^= CRC64_POLYNOMIAL.high;
    }
  }
  crc64Table.high[byte] = high;
  crc64Table.low[byte] = low;
}

/** Words in network byte order, in base64. */
function encode(...words: number[]): string {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => {
    bytes.writeInt32BE(word | 0, i * 4);
  });
  return bytes.toString('base64');
}

function crc32Hasher(): Hasher {
  let crc = 0;
  return {
    update(chunk) {
      crc = crc32(chunk, crc);
    },
    digest: () => encode(crc),
  };
}

function crc32cHasher(): Hasher {
  let crc = -1;
  return {
    update(chunk) {
      for (const byte of chunk) crc = (crc >>> 8) ^ (crc32cTable[(crc ^ byte) & 0xff] ?? 0);
    },
    digest: () => encode(~crc),
  };
}

function crc64Hasher(): Hasher {
  let high = -1;
  let low = -1;
  return {
    update(chunk) {
      for (const byte of chunk) {
        const index = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (crc64Table.low[index] ?? 0);
        high = (high >>> 8) ^ (crc64Table.high[index] ?? 0);
      }
    },
    digest: () => encode(~high, ~low),
  };
}

function digestHasher(name: string): Hasher {
  const hash = createHash(name);
  return {
    update(chunk) {
      hash.update(chunk);
    },
    digest: () => hash.digest('base64'),
  };
}

export const HASHERS: Readonly<Record<ChecksumAlgorithm, () => Hasher>> = {
  CRC32: crc32Hasher,
  CRC32C: crc32cHasher,
  CRC64NVME: crc64Hasher,
  SHA1: () => digestHasher('sha1'),
  SHA256: () => digestHasher('sha256'),
};

/** Bytes of a checksum of each algorithm. */
const LENGTHS: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

export const ALGORITHMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

export const isAlgorithm = (name: string): name is ChecksumAlgorithm => Object.hasOwn(HASHERS, name);

/** `x-amz-checksum-crc32` and its like. */
export const checksumHeader = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`;

/** `ChecksumCRC32` and its like, the element in XML. */
export const checksumElement = (algorithm: ChecksumAlgorithm): string => `Checksum${algorithm}`;

/** Checksums as elements of an answer. */
export function checksumElements(checksums: Checksums): Record<string, string | undefined> {
  return Object.fromEntries(
    ALGORITHMS.map((algorithm) => [checksumElement(algorithm), checksums[algorithm]]),
  );
}

export function checksum(algorithm: ChecksumAlgorithm, body: Uint8Array): string {
  const hasher = HASHERS[algorithm]();
  hasher.update(body);
  return hasher.digest();
}

/**
 * The checksums a body was sent with, verified; CRC64NVME where it came with none, as S3 adds it.
 * @param headers headers and trailers of the request, names in lower case
 * @throws S3Error BadDigest, InvalidDigest or InvalidRequest
 */
export function verifyChecksums(
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
): Checksums {
  const md5 = headers['content-md5'];
  if (md5 !== undefined) {
    if (Buffer.from(md5, 'base64').length !== 16) throw new S3Error('InvalidDigest');
    if (createHash('md5').update(body).digest('base64') !== md5) throw new S3Error('BadDigest');
  }
  const checksums: Checksums = {};
  for (const algorithm of ALGORITHMS) {
    const sent = headers[checksumHeader(algorithm)];
    if (sent === undefined) continue;
    if (Buffer.from(sent, 'base64').length !== LENGTHS[algorithm])
      throw new S3Error('InvalidRequest', {
        message: `Value for ${checksumHeader(algorithm)} header is invalid.`,
      });
    if (checksum(algorithm, body) !== sent)
      throw new S3Error('BadDigest', {
        message: `The ${algorithm} you specified did not match the calculated checksum.`,
      });
    checksums[algorithm] = sent;
  }
  if (Object.keys(checksums).length === 0) checksums.CRC64NVME = checksum('CRC64NVME', body);
  return checksums;
}

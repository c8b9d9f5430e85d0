// The thread in which documents are decoded and drawn; recognition runs in further threads below it.
import { parentPort } from 'node:worker_threads';
import { openDocument } from './ocr-document.ts';
import { Recogniser } from './ocr-recogniser.ts';
import { type OcrPage, type UnreadableCode, UnreadableDocument } from './ocr-types.ts';

export type OcrRequest =
  | { readonly type: 'warm-up'; readonly id: number }
  | { readonly type: 'read'; readonly id: number; readonly bytes: Uint8Array; readonly maxPages: number }
  | { readonly type: 'cancel'; readonly id: number };

export type OcrReply =
  | { readonly type: 'pages'; readonly id: number; readonly pages: readonly OcrPage[] }
  | {
      readonly type: 'unreadable';
      readonly id: number;
      readonly code: UnreadableCode;
      readonly message: string;
    }
  | { readonly type: 'failed'; readonly id: number; readonly message: string };

if (!parentPort) throw new Error('ocr-worker.ts runs as a worker thread.');
const port = parentPort;
const recogniserCount = Number(process.env.MILLRACE_OCR_RECOGNISERS ?? 1);

/** Hands out at most `size` things, first come, first served; each is made when all others are in use. */
class Pool<T> {
  readonly #free: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];
  readonly #make: () => T;
  #toMake: number;

  constructor(size: number, make: () => T) {
    this.#toMake = size;
    this.#make = make;
  }

  async use<R>(work: (item: T) => Promise<R>): Promise<R> {
    const item = await this.#take();
    try {
      return await work(item);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(item);
      else this.#free.push(item);
    }
  }

  #take(): T | Promise<T> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#toMake === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#toMake--;
    return this.#make();
  }
}

const recognition = new Pool(recogniserCount, () => new Recogniser());
/** One page is prepared while others are recognised; more would only fill memory. */
const preparation = new Pool(recogniserCount + 1, () => ({}));
const cancelled = new Set<number>();
const running = new Set<number>();

/** Pages of several documents take turns, so that a long document does not hold up a short one. */
async function read(id: number, bytes: Uint8Array, maxPages: number): Promise<OcrPage[]> {
  const document = await openDocument(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), maxPages);
  try {
    const pages: OcrPage[] = [];
    for (let index = 0; index < document.pageCount; index++) {
      const page = await preparation.use(async () => {
        if (cancelled.has(id)) throw new UnreadableDocument('CANCELLED', 'The request was cancelled.');
        const prepared = await document.page(index);
        return 'text' in prepared
          ? prepared.text
          : recognition.use((recogniser) => recogniser.read(prepared.image));
      });
      pages.push(page);
    }
    return pages;
  } finally {
    await document.close();
  }
}

async function answer(request: OcrRequest): Promise<OcrReply | undefined> {
  const { id, type } = request;
  if (type === 'cancel') {
    if (running.has(id)) cancelled.add(id);
    return undefined;
  }
  running.add(id);
  try {
    if (type === 'warm-up') {
      await recognition.use((recogniser) => recogniser.ready());
      return { type: 'pages', id, pages: [] };
    }
    return { type: 'pages', id, pages: await read(id, request.bytes, request.maxPages) };
  } catch (error) {
    if (error instanceof UnreadableDocument) {
      return { type: 'unreadable', id, code: error.code, message: error.message };
    }
    return { type: 'failed', id, message: String(error) };
  } finally {
    running.delete(id);
    cancelled.delete(id);
  }
}

port.on('message', async (request: OcrRequest) => {
  const reply = await answer(request);
  if (reply) port.postMessage(reply);
});

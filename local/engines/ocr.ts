import { Worker } from 'node:worker_threads';
import { type OcrPage, UnreadableDocument } from './ocr-types.ts';
import type { OcrReply, OcrRequest } from './ocr-worker.ts';

export { type DocumentKind, kindOf } from './ocr-document.ts';
export { type OcrLine, type OcrPage, type OcrWord, type Polygon, UnreadableDocument } from './ocr-types.ts';

export interface OcrOptions {
  /** Pages recognised at the same time; each takes a thread and about 120 MB when it is first needed. @default 1 */
  readonly recognisers?: number;
}

/** The thread that reads documents ended in the middle of its work. */
export class OcrCrashed extends Error {
  override readonly name = 'OcrCrashed';
}

/**
 * Reads the text of pictures and PDFs in threads of its own, without network and without files: the language data comes
 * from the package. The threads start with the first document, and anew after a crash.
 */
export class OcrEngine {
  readonly #recognisers: number;
  #worker: Worker | undefined;
  #nextId = 0;
  readonly #pending = new Map<number, PromiseWithResolvers<readonly OcrPage[]>>();

  constructor({ recognisers = 1 }: OcrOptions = {}) {
    this.#recognisers = recognisers;
  }

  /** Starts the threads and loads the language data, about half a second of work, ahead of the first document. */
  async warmUp(): Promise<void> {
    await this.#ask((id) => ({ type: 'warm-up', id }));
  }

  /**
   * Reads a PNG, JPEG, PDF or TIFF, whatever its name.
   * @throws UnreadableDocument where the file itself is at fault
   * @throws OcrCrashed where the engine is
   */
  async read(
    bytes: Uint8Array,
    { maxPages = 3000, signal }: { maxPages?: number; signal?: AbortSignal } = {},
  ): Promise<readonly OcrPage[]> {
    signal?.throwIfAborted();
    return this.#ask((id) => ({ type: 'read', id, bytes, maxPages }), signal);
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    this.#fail(new OcrCrashed('The engine was stopped.'));
  }

  async #ask(request: (id: number) => OcrRequest, signal?: AbortSignal): Promise<readonly OcrPage[]> {
    const id = this.#nextId++;
    const pending = Promise.withResolvers<readonly OcrPage[]>();
    this.#pending.set(id, pending);
    const worker = this.#running();
    const cancel = () => worker.postMessage({ type: 'cancel', id } satisfies OcrRequest);
    signal?.addEventListener('abort', cancel, { once: true });
    worker.postMessage(request(id));
    // An idle engine does not keep the process alive; a working one does.
    worker.ref();
    try {
      return await pending.promise;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#pending.delete(id);
      if (this.#pending.size === 0) worker.unref();
    }
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./ocr-worker.ts', import.meta.url), {
      env: { ...process.env, MILLRACE_OCR_RECOGNISERS: String(this.#recognisers) },
    });
    const crashed = (cause: unknown) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#fail(new OcrCrashed('The thread that reads documents ended unexpectedly.', { cause }));
    };
    worker.on('message', (reply: OcrReply) => this.#settle(reply));
    worker.on('error', crashed);
    worker.on('exit', crashed);
    this.#worker = worker;
    return worker;
  }

  #settle(reply: OcrReply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    if (reply.type === 'pages') pending.resolve(reply.pages);
    else if (reply.type === 'unreadable') pending.reject(new UnreadableDocument(reply.code, reply.message));
    else pending.reject(new OcrCrashed(reply.message));
  }

  #fail(error: Error): void {
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

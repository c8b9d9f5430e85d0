import type { BusEvent } from '../services/service.ts';
import type { FileState } from './deployment.ts';
import { isLoaded, printable } from './report.ts';

/** What a file is going through, in words for people. */
const STAGES: Readonly<Record<string, string>> = {
  'document-ingestion': 'inspecting',
  ocr: 'reading',
  sentiment: 'analysing',
};

export interface FileLine {
  readonly name: string;
  stage: string;
}

/** Shows, on a terminal, one line for each file that changes in place; elsewhere one line for each change. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  readonly #lines = new Map<string, FileLine>();
  readonly #live: boolean;
  #drawn = 0;
  #drawing: NodeJS.Immediate | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
    this.#live = out.isTTY === true;
  }

  add(fileId: string, name: string): void {
    this.#lines.set(fileId, { name: printable(name), stage: 'landed' });
    this.#changed(fileId);
  }

  /** Takes in a status change event of Step Functions. */
  observe(event: BusEvent): void {
    if (event['detail-type'] !== 'Step Functions Execution Status Change') return;
    const { name, status } = event.detail;
    const [, fileId = '', child] = /^([0-9a-f]{64})(?:-r\d+)?(?:-([a-z]+)-\d+)?$/.exec(String(name)) ?? [];
    const stage = STAGES[child ?? 'document-ingestion'];
    if (status === 'RUNNING' && stage) this.set(fileId, stage);
    else if (status === 'SUCCEEDED' && child === 'sentiment') this.set(fileId, 'publishing');
  }

  set(fileId: string, stage: string): void {
    const line = this.#lines.get(fileId);
    if (!line || line.stage === stage) return;
    line.stage = stage;
    this.#changed(fileId);
  }

  /** Says something above the lines of the files. */
  note(text: string): void {
    if (this.#live && this.#drawn > 0) {
      this.#out.write(`\x1b[${this.#drawn}A\x1b[0J`);
      this.#drawn = 0;
    }
    this.#out.write(`${text}\n`);
    if (this.#live && this.#lines.size > 0) this.#draw();
  }

  /** Shows what the audit table says of a file. */
  show(fileId: string, state: FileState | undefined): void {
    if (!state || ['RECEIVED', 'PROCESSING_INITIATED'].includes(state.status)) return;
    if (state.status !== 'SUCCEEDED') this.set(fileId, state.status.toLowerCase());
    else this.set(fileId, isLoaded(state) ? String(state.loadStatus).toLowerCase() : 'loading');
  }

  /** Leaves what is drawn where it is. */
  finish(): void {
    if (this.#drawing) clearImmediate(this.#drawing);
    this.#drawing = undefined;
    if (this.#live) this.#draw();
    this.#drawn = 0;
  }

  #changed(fileId: string): void {
    if (this.#live) {
      this.#drawing ??= setImmediate(() => {
        this.#drawing = undefined;
        this.#draw();
      });
      return;
    }
    const line = this.#lines.get(fileId);
    if (line) this.#out.write(`${line.stage.padEnd(12)} ${line.name}\n`);
  }

  /** Redraws the last lines that fit; with more files than that, those still under way come last. */
  #draw(): void {
    const rows = Math.max(5, (this.#out.rows ?? 24) - 4);
    const lines = [...this.#lines.values()];
    const shown =
      lines.length <= rows ? lines : lines.filter(({ stage }) => !DONE.has(stage)).slice(0, rows - 1);
    const width = (this.#out.columns ?? 80) - 1;
    const text = shown.map(({ name, stage }) => `${stage.padEnd(12)} ${name}`.slice(0, width));
    if (shown.length < lines.length) {
      const done = lines.filter(({ stage }) => DONE.has(stage)).length;
      text.push(`${done} of ${lines.length} files are done`);
    }
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    this.#out.write(`${up}${text.map((line) => `\x1b[2K${line}\n`).join('')}\x1b[0J`);
    this.#drawn = text.length;
  }
}

/** Stages after which a file changes no more. */
const DONE: ReadonlySet<string> = new Set(['loaded', 'published', 'rejected', 'held', 'failed']);

import { StateError } from '../../asl/errors.ts';
import type { TokenWait } from '../../asl/host.ts';
import { type Json, parseJson } from '../../asl/json.ts';
import { AwsError } from '../service.ts';
import type { ExecutionRow, Store } from './store.ts';

/** An answer to a token, as it is kept until the execution has gone on. */
type Answer = { readonly output: string } | { readonly error?: string; readonly cause?: string };

interface Waiting {
  readonly execution: ExecutionRow;
  settle(answer: Answer): void;
  heartbeat(): void;
}

const TOKEN = /^AAAAKgAAAAIAAAAAAAAAA[\w-]{50,}$/;

/** The task tokens that are waited for. */
export class Tokens {
  readonly #store: Store;
  readonly #waiting = new Map<string, Waiting>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Waits for the answer to a token; one that came before a restart is found again. */
  wait({ token, signal, heartbeat }: TokenWait, execution: ExecutionRow): Promise<Json> {
    const kept = this.#store.peek<Answer>('SELECT body FROM answers WHERE token = ?', token);
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer) => {
        signal.removeEventListener('abort', abort);
        this.#waiting.delete(token);
        if ('output' in answer) resolve(parseJson(answer.output));
        else reject(new StateError(answer.error, answer.cause));
      };
      const abort = () => {
        this.#waiting.delete(token);
        reject(signal.reason);
      };
      if (kept) return settle(kept);
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.set(token, { execution, settle, heartbeat });
    });
  }

  /** Answers a token; resolves when the answer is on disk. @throws AwsError `TaskTimedOut`, `InvalidToken` */
  async answer(token: string, answer: Answer): Promise<void> {
    const waiting = this.#find(token);
    this.#store.later(() =>
      this.#store.run(
        'INSERT OR IGNORE INTO answers VALUES (?, ?, ?)',
        token,
        waiting.execution.seq,
        JSON.stringify(answer),
      ),
    );
    waiting.settle(answer);
    await this.#store.committed();
  }

  /** State machine that waits for the token: what SendTask* needs permission for. @throws as `answer` */
  machineOf(token: string): string {
    return this.#find(token).execution.machineArn;
  }

  heartbeat(token: string): void {
    this.#find(token).heartbeat();
  }

  #find(token: string): Waiting {
    if (!TOKEN.test(token)) throw new AwsError('InvalidToken', `Invalid Token: 'Invalid token'`);
    const waiting = this.#waiting.get(token);
    if (!waiting)
      throw new AwsError('TaskTimedOut', `Task Timed Out: 'Provided task does not exist anymore'`);
    return waiting;
  }
}

import type { Clock } from '../clock.ts';

/**
 * Runs `work` until it ends, `outer` is aborted or `ms` milliseconds have passed; in the last two cases the signal it
 * was given is aborted and the result rejects at once, whatever the work still does.
 */
export function bounded<T>(
  clock: Clock,
  outer: AbortSignal,
  limit: { readonly ms: number; readonly error: () => Error } | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (outer.aborted) return Promise.reject(outer.reason);
  const inner = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const stop = (reason: unknown) => {
      finish();
      reject(reason);
      inner.abort(reason);
    };
    const onAbort = () => stop(outer.reason);
    const cancel = limit && clock.after(limit.ms, () => stop(limit.error()));
    const finish = () => {
      cancel?.();
      outer.removeEventListener('abort', onAbort);
    };
    outer.addEventListener('abort', onAbort, { once: true });
    work(inner.signal).then(
      (value) => {
        finish();
        resolve(value);
      },
      (error) => {
        finish();
        reject(error);
      },
    );
  });
}

/** Resolves after `ms` milliseconds of the clock; rejects with the signal's reason when aborted. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

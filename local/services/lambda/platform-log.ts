export interface Report {
  readonly requestId: string;
  readonly durationMs: number;
  readonly memoryMb: number;
  readonly usedMb: number;
  /** Only of the first invocation of an environment. */
  readonly initMs: number | undefined;
  readonly failed: boolean;
}

/** The lines that Lambda itself writes around what a function logs. */
export interface PlatformLog {
  start(requestId: string): string;
  end(report: Report): string[];
}

const text: PlatformLog = {
  start: (requestId) => `START RequestId: ${requestId} Version: $LATEST`,
  end: ({ requestId, durationMs, memoryMb, usedMb, initMs }) => [
    `END RequestId: ${requestId}`,
    [
      `REPORT RequestId: ${requestId}`,
      `Duration: ${durationMs.toFixed(2)} ms`,
      `Billed Duration: ${Math.ceil(durationMs + (initMs ?? 0))} ms`,
      `Memory Size: ${memoryMb} MB`,
      `Max Memory Used: ${usedMb} MB`,
      ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
    ].join('\t'),
  ],
};

const event = (type: string, record: object) =>
  JSON.stringify({ time: new Date().toISOString(), type, record });

const json: PlatformLog = {
  start: (requestId) => event('platform.start', { requestId, version: '$LATEST' }),
  end: ({ requestId, durationMs, memoryMb, usedMb, initMs, failed }) => [
    event('platform.report', {
      requestId,
      metrics: {
        durationMs,
        billedDurationMs: Math.ceil(durationMs + (initMs ?? 0)),
        memorySizeMB: memoryMb,
        maxMemoryUsedMB: usedMb,
        ...(initMs !== undefined && { initDurationMs: initMs }),
      },
      status: failed ? 'error' : 'success',
    }),
  ],
};

/** By the function's log format. */
export const PLATFORM_LOGS: Readonly<Record<'Text' | 'JSON', PlatformLog>> = { Text: text, JSON: json };

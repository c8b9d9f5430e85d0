import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ManualClock } from '../../local/clock.ts';
import { type HelpDesk, startHelpDesk } from '../../local/help-desk/index.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the answer; members of what is not JSON are undefined. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of seven products, whose members the assertions name
  readonly json: any;
}

/** A directory that goes when the test file ends. */
export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-help-desk-'));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A help desk with a clock that is moved by hand, stopped when the test file ends. */
export async function helpDesk(dataDir = directory()): Promise<{ desk: HelpDesk; clock: ManualClock }> {
  const clock = new ManualClock();
  const desk = await startHelpDesk({ dataDir, clock });
  after(() => desk.stop());
  return { desk, clock };
}

/** Sends a request; a body that is no text is JSON. */
export async function ask(
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body !== undefined && typeof body !== 'string' && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    redirect: 'manual',
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

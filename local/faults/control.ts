import type { HttpRequest, HttpResponse } from '../services/service.ts';
import type { Faults } from './faults.ts';

/** Where faults are looked at (GET), switched on (PUT, a plan as JSON) and off (DELETE) while the runtime is up. */
export const FAULTS_PATH = '/_millrace/faults';

const METHODS: Readonly<Record<string, (faults: Faults, body: Buffer) => void>> = {
  GET: () => {},
  PUT: (faults, body) => faults.set(JSON.parse(body.toString())),
  DELETE: (faults) => faults.clear(),
};

/** Answers a request with the faults as they are afterwards, or with what is wrong with it. */
export async function controlFaults(faults: Faults, { method, body }: HttpRequest): Promise<HttpResponse> {
  const act = METHODS[method];
  if (!act) return json(405, { message: `${FAULTS_PATH} takes ${Object.keys(METHODS).join(', ')}.` });
  try {
    act(faults, body);
  } catch (error) {
    return json(400, { message: error instanceof Error ? error.message : String(error) });
  }
  return json(200, faults.report());
}

const json = (status: number, value: unknown): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: `${JSON.stringify(value, undefined, 2)}\n`,
});

import * as z from 'zod/mini';
import type { ExpectedFile } from '../../datasets/dataset.ts';
import { TABULAR } from '../../datasets/index.ts';
import { dynamo, events } from '../shared/clients.ts';
import type { IncidentDetail } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { putIncident } from '../shared/incident.ts';
import { parse } from '../shared/parse.ts';
import { arrivalsOf, watchedSince } from './arrivals.ts';
import { type Judged, LOOKS_BACK_MS, lateDays } from './expectations.ts';

const env = environment(['AUDIT_TABLE']);
const Input = z.object({ at: z.iso.datetime() });

/** A late file that came is told of for a day: the help desk takes the same news once. */
const TOLD_MS = 86_400_000;
/** Before its first expected day nothing belongs to it, milliseconds. */
const EARLIEST_MS = LOOKS_BACK_MS + 2 * 86_400_000;

/** State Check: compares the files that are expected with those that landed. */
export const handler = lambda(async (event, { log }) => {
  const now = Date.parse(parse(Input, event).at);
  const dependencies = { dynamo: dynamo(), auditTable: env.AUDIT_TABLE };
  const since = await watchedSince(dependencies);
  const late: string[] = [];
  for (const { name, files } of TABULAR) {
    const watched = since(name);
    if (!files?.expected || watched === undefined) continue;
    const arrivals = await arrivalsOf(name, now - EARLIEST_MS, now, dependencies);
    for (const judged of lateDays(files.expected, arrivals, watched, now)) {
      if (judged.arrived === undefined) late.push(`${name} ${judged.day}`);
      else if (judged.arrived < now - TOLD_MS) continue;
      await putIncident(events(), incidentOf(name, files.expected, judged));
    }
  }
  log.info('Expected files were compared with those that landed.', { late });
  return { late };
});

/** Each late day is an incident of its own: it ends when its file comes. */
function incidentOf(
  dataset: string,
  { by, timeZone }: ExpectedFile,
  { day, due, arrived }: Judged,
): IncidentDetail {
  const key = `expected-file:${dataset}:${day}`;
  const told = { key, pipeline: dataset, runbook: 'late-files' };
  if (arrived !== undefined)
    return {
      ...told,
      eventId: `${key}:arrived`,
      state: 'RESOLVED',
      severity: 'info',
      title: `The file of ${dataset} for ${day} is there`,
      summary: `A file of ${dataset} landed at ${new Date(arrived).toISOString()}.`,
      occurredAt: new Date(arrived).toISOString(),
    };
  return {
    ...told,
    eventId: `${key}:late`,
    state: 'OPEN',
    severity: 'error',
    title: `The file of ${dataset} for ${day} is late`,
    summary: `No file of ${dataset} landed for ${day} by ${by} ${timeZone}.`,
    occurredAt: new Date(due).toISOString(),
    command: `npx millrace audit --pipeline ${dataset}`,
  };
}

import { createHash } from 'node:crypto';
import type { IncidentDetail, Reason } from '../shared/contract.ts';
import type { SchemaChange } from './contract.ts';
import type { TabularFile } from './schemas.ts';

/** One incident for each dataset and name of a file: a later version of the file ends it. */
const refusedKey = ({ dataset, source }: TabularFile): string =>
  `data-quality:${dataset}:${createHash('sha256').update(source.key).digest('hex').slice(0, 16)}`;

/** A file was refused. @param at when its execution began; ISO 8601, UTC */
export function refusedIncident(file: TabularFile, reason: Reason, at: string): IncidentDetail {
  return {
    eventId: `${file.source.fileId}:refused:${at}`,
    key: refusedKey(file),
    state: 'OPEN',
    severity: 'error',
    pipeline: file.dataset,
    title: `A file of ${file.dataset} was refused: ${reason.code}`.slice(0, 120),
    summary: `${file.source.key}: ${reason.message}`,
    runbook: 'refused-tables',
    occurredAt: at,
    command: `npx millrace audit ${file.source.fileId}`,
  };
}

/** A file was accepted: whatever was wrong with an earlier version of it is over. */
export function acceptedIncident(file: TabularFile, at: string): IncidentDetail {
  return {
    eventId: `${file.source.fileId}:accepted:${at}`,
    key: refusedKey(file),
    state: 'RESOLVED',
    severity: 'info',
    pipeline: file.dataset,
    title: `A file of ${file.dataset} was accepted`,
    summary: `${file.source.key} was accepted.`,
    runbook: 'refused-tables',
    occurredAt: at,
  };
}

/** The columns of a file are not those of the declaration; or they are, which ends that. */
export function schemaIncident(
  { dataset, source }: TabularFile,
  change: SchemaChange | undefined,
  at: string,
): IncidentDetail {
  const told = {
    eventId: `${source.fileId}:schema:${at}`,
    key: `schema-change:${dataset}`,
    pipeline: dataset,
    runbook: 'schema-changes',
    occurredAt: at,
  };
  if (!change)
    return {
      ...told,
      state: 'RESOLVED',
      severity: 'info',
      title: `Files of ${dataset} have the declared columns`,
      summary: `${source.key} has the declared columns.`,
    };
  return {
    ...told,
    state: 'OPEN',
    severity: 'warning',
    title: `Files of ${dataset} have other columns than declared`,
    summary: [
      `${source.key}:`,
      ...(change.added.length > 0 ? [`not known: ${change.added.join(', ')}.`] : []),
      ...(change.missing.length > 0 ? [`missing: ${change.missing.join(', ')}.`] : []),
    ]
      .join(' ')
      .slice(0, 2_000),
    command: `npx millrace audit ${source.fileId}`,
  };
}

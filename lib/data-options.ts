import { z } from 'zod';
import { type About, choice, flag, whole } from './option-kinds.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Options of tabular files, the CRM, features and the upkeep of the lake. */
export const DATA_OPTIONS = {
  tabular: {
    maxBytes: whole('Largest tabular file, bytes. S3 copies no larger object in one request.', {
      min: 1,
      max: 5 * GIB,
      default: 5 * GIB,
    }),
    splitBytes: whole(
      'Bytes of CSV or JSON Lines above which a file is cut into parts that are read at the same time.',
      { min: 64 * 1024, max: 2 * GIB, default: 256 * MIB },
    ),
    workers: whole('Most parts of one file that are read at once.', { min: 1, max: 100, default: 10 }),
  },
  crm: {
    enabled: flag('Whether support tickets are fetched from a CRM.', false),
    source: choice(
      'Kind of the CRM: Zendesk, or a REST API that its secret describes.',
      ['zendesk', 'rest'],
      'zendesk',
    ),
    everyMinutes: whole('Minutes between two fetches.', { min: 5, max: 1440, default: 60 }),
    timeZone: z
      .string()
      .min(1)
      .default('UTC')
      .meta({
        description: 'Time zone of the CRM’s schedule and of the hours off peak.',
        allowed: 'an IANA time zone such as Europe/Berlin',
      } satisfies About),
    startDays: whole('Days back from the first fetch that tickets are taken from.', {
      min: 1,
      max: 3650,
      default: 365,
    }),
    requestsPerMinute: whole('Requests a minute that the CRM’s export allows. Zendesk allows 10.', {
      min: 1,
      max: 1000,
      default: 10,
    }),
    webhook: flag('Whether the CRM may tell of single tickets through a webhook.', true),
    allowPrivateTargets: flag('Whether the CRM may be at an http address or in a private network.', false),
  },
  features: {
    enabled: flag('Whether what is known of customers is computed by a Glue job, after the tickets.', true),
    everyHours: whole('Hours between two computations.', { min: 1, max: 168, default: 24 }),
    minWorkers: whole('Fewest workers of the job. Glue takes no fewer than 2.', {
      min: 2,
      max: 100,
      default: 2,
    }),
    maxWorkers: whole('Most workers of the job.', { min: 2, max: 299, default: 10 }),
    gigabytesPerWorker: whole('Gigabytes of input for each worker.', { min: 1, max: 1000, default: 10 }),
    flexFromHour: whole('Hour from which the job may wait for cheaper capacity (flex), in crm.timeZone.', {
      min: 0,
      max: 23,
      default: 20,
    }),
    flexUntilHour: whole('Hour from which it may not any more.', { min: 0, max: 23, default: 6 }),
  },
  maintenance: {
    hour: whole('Hour of the night at which the lake is looked after, UTC.', { min: 0, max: 23, default: 2 }),
    compactAboveFiles: whole('Parquet files of a partition above which they become fewer.', {
      min: 2,
      max: 10_000,
      default: 10,
    }),
    targetMib: whole('Size that compaction aims at, MiB.', { min: 1, max: 512, default: 128 }),
    keepHours: whole('Hours that replaced files are kept.', { min: 1, max: 720, default: 24 }),
  },
};

import { createHash } from 'node:crypto';
import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { partitionOf } from '../../datasets/dataset.ts';
import { isNamed } from '../shared/errors.ts';
import { type CrmInput, type PageFormat, rawPageKey, type SourcePage } from './contract.ts';
import type { RawPages } from './raw-pages.ts';

export interface TakeDependencies {
  readonly pages: Pick<RawPages, 'create'>;
  readonly sfn: Pick<SFNClient, 'send'>;
  readonly stateMachineArn: string;
}

/** What comes from a CRM without its export. */
export interface Taken {
  /** Where it comes from: a folder's name, for example `webhook`. */
  readonly source: string;
  /** What makes it the same when it comes again, for example ids of events. */
  readonly identity: string;
  /** ISO 8601, UTC; a function of what came, so that it is the same when it comes again. */
  readonly receivedAt: string;
  /** `records` for a body that is JSON of `Records`; the CRM's own kind for one that is as the CRM answers it. */
  readonly format: PageFormat;
  readonly body: string;
  readonly tickets: number;
}

/**
 * Takes single tickets the way of a page: raw into the lake, then validated, analysed, published and loaded by an
 * execution of crm-tickets that fetches nothing. The same again changes nothing. Answers whether it is new.
 */
export async function takeTickets(
  { source, identity, receivedAt, format, body, tickets }: Taken,
  { pages, sfn, stateMachineArn }: TakeDependencies,
): Promise<boolean> {
  const fileId = createHash('sha256').update(`${source} ${identity}`).digest('hex');
  const key = rawPageKey(source, partitionOf(new Date(receivedAt)), fileId);
  const page: SourcePage = { fileId, key, source, fetchedAt: receivedAt, sequence: 0 };
  await pages.create(key, {
    format,
    source,
    sequence: 0,
    fetchedAt: receivedAt,
    position: identity,
    next: identity,
    end: true,
    tickets,
    body,
  });
  const input: CrmInput = { pages: [page] };
  try {
    await sfn.send(
      new StartExecutionCommand({ stateMachineArn, name: fileId, input: JSON.stringify(input) }),
    );
    return true;
  } catch (error) {
    if (isNamed(error, 'ExecutionAlreadyExists')) return false;
    throw error;
  }
}

/** When a runtime is killed: as soon as its uploads are answered, or at a status change, or inside a state after it. */
export interface Moment {
  readonly event?: readonly [pipeline: string, status: string];
  /** State of that execution to wait for. */
  readonly state?: string;
}

export const MOMENTS: Readonly<Record<string, Moment>> = {
  'the last upload was answered': {},
  'an execution has begun': { event: ['document-ingestion', 'RUNNING'] },
  'a picture is being read': { event: ['ocr', 'RUNNING'], state: 'Read' },
  'a picture was read': { event: ['ocr', 'SUCCEEDED'] },
  'a text is being analysed': { event: ['sentiment', 'RUNNING'], state: 'Analyse' },
  'a record is being published': { event: ['document-ingestion', 'RUNNING'], state: 'Publish' },
  'a record was published': { event: ['document-ingestion', 'SUCCEEDED'] },
  'a load is being compacted': { event: ['warehouse-load', 'RUNNING'] },
  'a load is in its transaction': { event: ['warehouse-load', 'RUNNING'], state: 'Poll' },
  'loaded files are being marked': { event: ['warehouse-load', 'RUNNING'], state: 'Mark' },
};

import * as z from 'zod/mini';
import type { MissingReferences } from './contract.ts';
import { CountMismatch } from './errors.ts';

/** A text of a result of the Redshift Data API. Step Functions writes the member's name with a capital letter. */
const Field = z.looseObject({ StringValue: z.optional(z.string()), stringValue: z.optional(z.string()) });
type Field = z.output<typeof Field>;

/** Rows of a result. */
export const Answer = z.array(z.array(Field));

export function textOf(field: Field | undefined): string {
  return field?.StringValue ?? field?.stringValue ?? '';
}

/** A reference that was counted, now and before the load. */
export interface CountedReference extends MissingReferences {
  readonly rowsBefore: number;
}

/** What the last statement of a load says. */
export interface LoadAnswer {
  readonly rowsLoaded: number;
  readonly rowsNew: number;
  readonly rowsRemoved: number;
  readonly references: readonly CountedReference[];
}

/**
 * Reads what the last statement of a load returned.
 * @param rows that the load's files hold
 * @throws CountMismatch when the warehouse has read another number
 */
export function answerOf(rows: number, answer: z.output<typeof Answer>): LoadAnswer {
  const texts = answer.map((row) => row.map(textOf));
  const [read, rowsLoaded = 0, rowsNew = 0, rowsRemoved = 0] = (texts.find(([kind]) => kind === 'load') ?? [])
    .slice(1)
    .map(Number);
  if (read !== rows) {
    throw new CountMismatch(`The warehouse read ${read ?? 'no'} rows where the load's files hold ${rows}.`);
  }
  const references = texts
    .filter(([kind]) => kind === 'reference')
    .map(([, dataset = '', column = '', to = '', counts = '']): CountedReference => {
      const [now = 0, before = 0] = counts.split('/').map(Number);
      return { dataset, column, references: to, rows: now, rowsBefore: before };
    });
  return { rowsLoaded, rowsNew, rowsRemoved, references };
}

import type { DatabaseSync } from 'node:sqlite';

/** Runs `work` so that all of its writes are kept or none, also over a crash; what it throws is thrown. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

/** The lake is not as compaction needs it; nothing has been changed. Trying again does not help. */
export class NotCompacted extends Error {
  override readonly name = 'NotCompacted';
  readonly permanent = true;
}

/** Another run has replaced the compaction meanwhile. Trying again reads what it wrote. */
export class SwapConflict extends Error {
  override readonly name = 'SwapConflict';
}

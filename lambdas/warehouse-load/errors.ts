/** A curated record, or a publication, does not fit its dataset's declaration. Trying again does not help. */
export class InvalidRecord extends Error {
  override readonly name = 'InvalidRecord';
  readonly permanent = true;
}

/** The warehouse has counted other rows than the load's files hold. */
export class CountMismatch extends Error {
  override readonly name = 'CountMismatch';
  readonly permanent = true;
}

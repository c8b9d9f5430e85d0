/** A curated record does not fit its dataset's declaration. Trying again does not help. */
export class InvalidRecord extends Error {
  override readonly name = 'InvalidRecord';
}

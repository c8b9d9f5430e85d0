/** Errors of the steps of tabular files. */

/** What is in the lake is not what was counted. Checking again does not help. */
export class QualityMismatch extends Error {
  override readonly name = 'QualityMismatch';
  readonly permanent = true;
}

/** Something in the lake was not deleted; trying again may help. */
export class NotDeleted extends Error {
  override readonly name = 'NotDeleted';
}

/** The version of a landed object is not there any more. It never leaves a function: the file is refused for it. */
export class SourceGone extends Error {
  override readonly name = 'SourceGone';
}

/**
 * A value of a row. A decimal is its unscaled integer (19.99 with two digits behind the point is 1999n), a date is
 * midnight UTC of the day, a timestamp is its instant; nothing there is null.
 */
export type Value = string | number | bigint | boolean | Date | null;

/** Values of one row, in the order of the columns. */
export type Row = readonly Value[];

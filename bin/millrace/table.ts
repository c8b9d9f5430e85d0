/** One column of a table for people. */
export interface Column<Row> {
  readonly title: string;
  readonly right?: boolean;
  of(row: Row): string | number | undefined;
}

/**
 * Rows under their titles. Columns that are empty in every row are left out.
 * @param width columns of the terminal, where it is one: what does not fit beside the first columns stands below them,
 *   indented, so that a long id stays whole and can be copied
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = Number.POSITIVE_INFINITY,
): string {
  const cells = columns
    .map(({ title, right = false, of }) => ({
      title,
      right,
      texts: rows.map((row) => printable(String(of(row) ?? ''))),
    }))
    .filter(({ texts }) => texts.some((text) => text !== ''));
  const widths = cells.map(({ title, texts }) => Math.max(...[title, ...texts].map(displayWidth)));
  const beside = fitting(widths, width);
  const line = (texts: readonly string[]) => {
    const first = texts.slice(0, beside).map((text, i) => {
      const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - displayWidth(text)));
      return cells[i]?.right ? space + text : text + space;
    });
    const below = texts.slice(beside).filter((text) => text !== '');
    return [first.join('  ').trimEnd(), ...(below.length > 0 ? [`  ${below.join('  ')}`] : [])].join('\n');
  };
  // Nothing stands beside the last column, so that its rule need not reach as far as its longest sentence.
  const rules = cells
    .slice(0, beside)
    .map(({ title }, i) => '─'.repeat(i < cells.length - 1 ? (widths[i] ?? 0) : title.length));
  return [
    line(cells.map(({ title }) => title)),
    rules.join('  '),
    ...rows.map((_, i) => line(cells.map(({ texts }) => texts[i] ?? ''))),
  ].join('\n');
}

/** How many of the columns stand beside each other: all where they fit, at least one where not. */
function fitting(widths: readonly number[], width: number): number {
  let end = -2;
  const tooWide = widths.findIndex((one) => {
    end += 2 + one;
    return end > width;
  });
  return tooWide < 0 ? widths.length : Math.max(1, tooWide);
}

/** `1 file`, `2 files`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A text on one line: keys of objects may hold line breaks and what moves a terminal's cursor. */
export const printable = (text: string): string => text.replace(/\p{Cc}/gu, '\ufffd');

/** A text of at most `length` characters; what is longer ends in an ellipsis. */
export const shortened = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** East Asian wide characters and emoji take two columns of a terminal, marks that sit on another character none. */
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u;
const NO_WIDTH = /\p{Mark}|\p{Cf}/u;

function displayWidth(text: string): number {
  const columns = (character: string) => (NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1);
  return [...text].reduce((sum, character) => sum + columns(character), 0);
}

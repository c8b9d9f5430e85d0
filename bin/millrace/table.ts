/** One column of a table for people. */
export interface Column<Row> {
  readonly title: string;
  readonly right?: boolean;
  of(row: Row): string | number | undefined;
}

/** Rows under their titles. Columns that are empty in every row are left out. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = columns
    .map(({ title, right = false, of }) => ({
      title,
      right,
      texts: rows.map((row) => printable(String(of(row) ?? ''))),
    }))
    .filter(({ texts }) => texts.some((text) => text !== ''));
  const widths = cells.map(({ title, texts }) => Math.max(...[title, ...texts].map(displayWidth)));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => {
        const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - displayWidth(text)));
        return cells[i]?.right ? space + text : text + space;
      })
      .join('  ')
      .trimEnd();
  // Nothing stands beside the last column, so that its rule need not reach as far as its longest sentence.
  const rules = cells.map(({ title }, i) =>
    '─'.repeat(i < cells.length - 1 ? (widths[i] ?? 0) : title.length),
  );
  return [
    line(cells.map(({ title }) => title)),
    rules.join('  '),
    ...rows.map((_, i) => line(cells.map(({ texts }) => texts[i] ?? ''))),
  ].join('\n');
}

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

/** Share of the true characters that were read, 0 to 1: one minus Levenshtein's distance by length. White space counts once. */
export function accuracy(truth: string, found: string): number {
  const [a, b] = [words(truth), words(found)];
  return a === b ? 1 : 1 - editDistance(a, b) / a.length;
}

const words = (text: string) => text.replace(/\s+/g, ' ').trim();

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const PERSONAL = [
  /[\w.]+@[\w-]+(?:\.[\w-]+)+/g,
  /\b[A-Z]{2}\d{2}(?: [A-Z0-9]{2,4}){3,}/g,
  /\+\d[\d ()-]{8,}\d/g,
];

/** Addresses of mail, account numbers and telephone numbers in a text. */
export function personalData(text: string): string[] {
  return PERSONAL.flatMap((pattern) => text.match(pattern) ?? []);
}

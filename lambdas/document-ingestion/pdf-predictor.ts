import { BrokenSyntax, type PdfDictionary } from './pdf-syntax.ts';

/** Undoes PNG predictors (ISO 32000-1, 7.4.4.4), which streams of cross-references usually have. @throws BrokenSyntax for others */
export function undoPredictor(data: Buffer, parameters: PdfDictionary): Buffer {
  const parameter = (name: string, otherwise: number) => {
    const value = parameters.get(name);
    return typeof value === 'number' ? value : otherwise;
  };
  const predictor = parameter('/Predictor', 1);
  if (predictor === 1) return data;
  if (predictor < 10) throw new BrokenSyntax('its objects are packed in an unusual way');
  const pixel = Math.max(1, (parameter('/Colors', 1) * parameter('/BitsPerComponent', 8)) >> 3);
  const columns = Math.ceil(
    (parameter('/Columns', 1) * parameter('/Colors', 1) * parameter('/BitsPerComponent', 8)) / 8,
  );
  if (!(columns > 0)) throw new BrokenSyntax('its objects are packed in an unusual way');
  const rows = Math.floor(data.length / (columns + 1));
  const out = Buffer.alloc(rows * columns);
  for (let row = 0; row < rows; row++) {
    const type = data[row * (columns + 1)] ?? 0;
    for (let i = 0; i < columns; i++) {
      const at = row * columns + i;
      const left = i >= pixel ? (out[at - pixel] ?? 0) : 0;
      const up = row > 0 ? (out[at - columns] ?? 0) : 0;
      const upLeft = row > 0 && i >= pixel ? (out[at - columns - pixel] ?? 0) : 0;
      out[at] = (data[row * (columns + 1) + 1 + i] ?? 0) + predicted(type, left, up, upLeft);
    }
  }
  return out;
}

function predicted(type: number, left: number, up: number, upLeft: number): number {
  if (type === 1) return left;
  if (type === 2) return up;
  if (type === 3) return (left + up) >> 1;
  if (type !== 4) return 0;
  const estimate = left + up - upLeft;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - upLeft)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : upLeft;
}

import { createCanvas } from '@napi-rs/canvas';

/** A line of print as a PNG. */
export function picture(line: string): Buffer {
  const canvas = createCanvas(900, 140);
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, 900, 140);
  context.fillStyle = 'black';
  context.font = '48px serif';
  context.fillText(line, 40, 90);
  return canvas.toBuffer('image/png');
}

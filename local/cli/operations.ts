import type { Runtime } from '../runtime.ts';
import type { Progress } from './progress.ts';
import { printable } from './report.ts';

/** Says what happens at the help desk, and what the second channel is told. */
export function tellOperations({ helpDesk, services }: Runtime, progress: Progress): void {
  helpDesk?.onChange(({ desk, id, title }, { kind }) =>
    progress.note(`${`ticket ${kind}`.padEnd(18)} ${printable(`${desk} ${id}: ${title}`)}`),
  );
  services.sns.onMail(({ subject }) =>
    progress.note(`${'second channel:'.padEnd(18)} ${printable(subject)}`),
  );
}

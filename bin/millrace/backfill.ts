import { command } from './command.ts';
export const backfill = command({
  name: 'backfill',
  summary: '',
  about: '',
  options: {},
  run: async () => 0,
});

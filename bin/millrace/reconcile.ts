import { command } from './command.ts';
export const reconcile = command({
  name: 'reconcile',
  summary: '',
  about: '',
  options: {},
  run: async () => 0,
});

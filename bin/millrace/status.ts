import { command } from './command.ts';
export const status = command({ name: 'status', summary: '', about: '', options: {}, run: async () => 0 });

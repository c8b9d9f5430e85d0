import { command } from './command.ts';
export const tickets = command({ name: 'tickets', summary: '', about: '', options: {}, run: async () => 0 });

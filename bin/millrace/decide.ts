import { command } from './command.ts';
export const release = command({ name: 'release', summary: '', about: '', options: {}, run: async () => 0 });
export const reject = command({ name: 'reject', summary: '', about: '', options: {}, run: async () => 0 });

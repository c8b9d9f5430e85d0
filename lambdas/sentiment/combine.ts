import type { Scores, Sentiment } from './contract.ts';

const NAMES: readonly (readonly [keyof Scores, Sentiment])[] = [
  ['positive', 'POSITIVE'],
  ['negative', 'NEGATIVE'],
  ['neutral', 'NEUTRAL'],
  ['mixed', 'MIXED'],
];

/** The mean of scores, weighted (by the length of what they are about), to six decimals. */
export function combine(parts: readonly { readonly scores: Scores; readonly weight: number }[]): Scores {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (name: keyof Scores) =>
    Math.round((parts.reduce((sum, { scores, weight }) => sum + scores[name] * weight, 0) / total) * 1e6) /
    1e6;
  return {
    positive: mean('positive'),
    negative: mean('negative'),
    neutral: mean('neutral'),
    mixed: mean('mixed'),
  };
}

/** The sentiment with the highest score. */
export function winner(scores: Scores): Sentiment {
  return NAMES.reduce((best, next) => (scores[next[0]] > scores[best[0]] ? next : best))[1];
}

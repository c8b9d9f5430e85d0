import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { GERMAN } from './language-lexicon-de.ts';
import { SPANISH } from './language-lexicon-es.ts';

/** How a language says that something is good or bad. Valences run from -4 (very bad) to 4 (very good), as in VADER. */
export interface SentimentLanguage {
  /** @param word in lower case */
  valence(word: string): number | undefined;
  readonly negations: ReadonlySet<string>;
  /** Words on either side that a negation reaches. */
  readonly negationReach: { readonly before: number; readonly after: number };
  /** Words that strengthen (above 0) or weaken the next word. */
  readonly degrees: ReadonlyMap<string, number>;
  /** Words after which the weight of a sentence lies. */
  readonly contrasts: ReadonlySet<string>;
}

/** A small lexicon of our own: stems with their valence, in groups. */
export interface StemLexicon {
  readonly stems: readonly (readonly [valence: number, words: string])[];
  readonly negations: string;
  readonly negationReach: SentimentLanguage['negationReach'];
  readonly strengthen: string;
  readonly weaken: string;
  readonly contrasts: string;
}

/** Step of a degree word (VADER's empirical constant). */
const DEGREE = 0.293;

const words = (list: string) => list.split(/\s+/).filter(Boolean);

/** A shorter stem must be the whole word: «gut» is not the beginning of «Gutschein». */
const SHORTEST_STEM = 4;
const LONGEST_ENDING = 5;

function fromStems(lexicon: StemLexicon): SentimentLanguage {
  const stems = new Map<string, number>();
  for (const [valence, list] of lexicon.stems) for (const stem of words(list)) stems.set(stem, valence);
  return {
    valence(word) {
      const shortest = Math.max(SHORTEST_STEM, word.length - LONGEST_ENDING);
      for (let end = word.length; end >= shortest; end--) {
        const valence = stems.get(word.slice(0, end));
        if (valence !== undefined) return valence;
      }
      return stems.get(word);
    },
    negations: new Set(words(lexicon.negations)),
    negationReach: lexicon.negationReach,
    degrees: new Map([
      ...words(lexicon.strengthen).map((word) => [word, DEGREE] as const),
      ...words(lexicon.weaken).map((word) => [word, -DEGREE] as const),
    ]),
    contrasts: new Set(words(lexicon.contrasts)),
  };
}

/** The lexicon of VADER: about 7,500 English words rated by ten people each. */
function english(): SentimentLanguage {
  const directory = dirname(createRequire(import.meta.url).resolve('vader-sentiment/package.json'));
  const valences = new Map<string, number>();
  for (const row of readFileSync(join(directory, 'vader_lexicon.txt'), 'utf8').split('\n')) {
    const [word, mean] = row.split('\t');
    if (word && mean) valences.set(word, Number(mean));
  }
  for (const word of NOT_OF_BUSINESS) valences.delete(word);
  return {
    valence: (word) => valences.get(word),
    negations: new Set(
      words(`not no never none nobody nothing neither nor nowhere without hardly scarcely rarely seldom cannot cant
        isnt arent wasnt werent dont doesnt didnt wont wouldnt shouldnt couldnt hasnt havent hadnt aint`),
    ),
    negationReach: { before: 3, after: 0 },
    degrees: new Map([
      ...words(`absolutely amazingly completely considerably deeply enormously entirely especially exceptionally
        extremely fabulously fully greatly highly hugely incredibly intensely more most particularly purely quite
        really remarkably so substantially terribly thoroughly totally tremendously unbelievably utterly very
        extraordinarily`).map((word) => [word, DEGREE] as const),
      ...words(
        'almost barely hardly kinda less little marginally occasionally partly scarcely slightly somewhat',
      ).map((word) => [word, -DEGREE] as const),
    ]),
    contrasts: new Set(['but', 'however', 'although']),
  };
}

/** Words that VADER's raters of chat messages heard a mood in and that letters and contracts use without one. */
const NOT_OF_BUSINESS = words(
  'dear sincerely faithfully agreement yours please party parties number matter interest shared share',
);

const LANGUAGES: Readonly<Record<string, () => SentimentLanguage>> = {
  en: english,
  de: () => fromStems(GERMAN),
  es: () => fromStems(SPANISH),
};
const loaded = new Map<string, SentimentLanguage>();

/** @returns undefined for a language without a lexicon */
export function sentimentLanguage(code: string): SentimentLanguage | undefined {
  const known = loaded.get(code);
  if (known) return known;
  const language = LANGUAGES[code]?.();
  if (language) loaded.set(code, language);
  return language;
}

import {
  BatchDetectDominantLanguageCommand,
  BatchDetectSentimentCommand,
  type BatchItemError,
  type ComprehendClient,
  DetectDominantLanguageCommand,
  DetectEntitiesCommand,
  DetectKeyPhrasesCommand,
  DetectPiiEntitiesCommand,
  DetectSentimentCommand,
  type DominantLanguage,
  type LanguageCode,
  type SentimentScore,
} from '@aws-sdk/client-comprehend';
import { AnalysisFailed } from '../shared/errors.ts';
import type { Scores } from './contract.ts';
import type { Found } from './redact.ts';

export interface Entity {
  readonly type: string;
  readonly text: string;
  readonly score: number;
}

/** Texts of a batch at most. Source: Comprehend developer guide, quotas. */
export const BATCH_TEXTS = 25;

/** What the analysis asks of Comprehend. Every text is within the limits of its call. */
export interface Comprehend {
  /** The likeliest language; empty where Comprehend has none. */
  language(text: string): Promise<string>;
  /** The likeliest languages of up to 25 texts, in their order. */
  languages(texts: readonly string[]): Promise<readonly string[]>;
  /** Scores of up to 25 texts, in their order. */
  sentiments(texts: readonly string[], language: string): Promise<readonly Scores[]>;
  personalData(text: string, language: string): Promise<readonly Found[]>;
  entities(text: string, language: string): Promise<readonly Entity[]>;
  keyPhrases(text: string, language: string): Promise<readonly string[]>;
}

export function comprehendApi(client: Pick<ComprehendClient, 'send'>): Comprehend {
  const language = async (Text: string) => {
    const { Languages } = await client.send(new DetectDominantLanguageCommand({ Text }));
    return likeliest(Languages);
  };
  return {
    language,
    async languages(texts) {
      const answer = await client.send(new BatchDetectDominantLanguageCommand({ TextList: [...texts] }));
      return inOrder(texts, answer, ({ Languages }) => likeliest(Languages), language);
    },
    async sentiments(texts, languageCode) {
      const LanguageCode = languageCode as LanguageCode;
      const answer = await client.send(
        new BatchDetectSentimentCommand({ TextList: [...texts], LanguageCode }),
      );
      return inOrder(
        texts,
        answer,
        ({ SentimentScore }) => scoresOf(SentimentScore),
        async (Text) => {
          const { SentimentScore } = await client.send(new DetectSentimentCommand({ Text, LanguageCode }));
          return scoresOf(SentimentScore);
        },
      );
    },
    async personalData(text, language) {
      const { Entities = [] } = await client.send(
        new DetectPiiEntitiesCommand({ Text: text, LanguageCode: language as LanguageCode }),
      );
      return Entities.map(({ Type, BeginOffset = 0, EndOffset = 0 }) => ({
        type: Type ?? 'PII',
        begin: BeginOffset,
        end: EndOffset,
      }));
    },
    async entities(text, language) {
      const { Entities = [] } = await client.send(
        new DetectEntitiesCommand({ Text: text, LanguageCode: language as LanguageCode }),
      );
      return Entities.map(({ Type, Text = '', Score = 0 }) => ({
        type: Type ?? 'OTHER',
        text: Text,
        score: Score,
      }));
    },
    async keyPhrases(text, language) {
      const { KeyPhrases = [] } = await client.send(
        new DetectKeyPhrasesCommand({ Text: text, LanguageCode: language as LanguageCode }),
      );
      return KeyPhrases.map(({ Text = '' }) => Text);
    },
  };
}

/** What a batch found, text by text. It succeeds although texts of it failed: alone, each has its answer or its error. */
async function inOrder<Result extends { Index?: number | undefined }, T>(
  texts: readonly string[],
  answer: { ResultList?: Result[] | undefined; ErrorList?: BatchItemError[] | undefined },
  read: (result: Result) => T,
  alone: (text: string) => Promise<T>,
): Promise<T[]> {
  const { ResultList = [], ErrorList = [] } = answer;
  const found = new Map(ResultList.map((result) => [result.Index, read(result)] as const));
  for (const { Index = -1 } of ErrorList) found.set(Index, await alone(texts[Index] ?? ''));
  return texts.map((_, index) => {
    const one = found.get(index);
    if (one !== undefined) return one;
    throw new AnalysisFailed(
      `Comprehend answered a batch of ${texts.length} texts without text ${index + 1}.`,
    );
  });
}

const likeliest = (languages: readonly DominantLanguage[] = []): string =>
  languages.toSorted((a, b) => (b.Score ?? 0) - (a.Score ?? 0))[0]?.LanguageCode ?? '';

function scoresOf(score: SentimentScore | undefined): Scores {
  if (!score) throw new AnalysisFailed('Comprehend answered a sentiment without scores.');
  const { Positive = 0, Negative = 0, Neutral = 0, Mixed = 0 } = score;
  return { positive: Positive, negative: Negative, neutral: Neutral, mixed: Mixed };
}

import {
  BatchDetectSentimentCommand,
  type ComprehendClient,
  DetectDominantLanguageCommand,
  DetectEntitiesCommand,
  DetectKeyPhrasesCommand,
  DetectPiiEntitiesCommand,
  DetectSentimentCommand,
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

/** What the analysis asks of Comprehend. Every text is within the limits of its call. */
export interface Comprehend {
  /** Dominant languages, the likeliest first. */
  languages(text: string): Promise<readonly { readonly code: string; readonly score: number }[]>;
  /** Scores of up to 25 texts, in their order. */
  sentiments(texts: readonly string[], language: string): Promise<readonly Scores[]>;
  personalData(text: string, language: string): Promise<readonly Found[]>;
  entities(text: string, language: string): Promise<readonly Entity[]>;
  keyPhrases(text: string, language: string): Promise<readonly string[]>;
}

export function comprehendApi(client: Pick<ComprehendClient, 'send'>): Comprehend {
  return {
    async languages(text) {
      const { Languages = [] } = await client.send(new DetectDominantLanguageCommand({ Text: text }));
      return Languages.map(({ LanguageCode: code = '', Score: score = 0 }) => ({ code, score })).sort(
        (a, b) => b.score - a.score,
      );
    },
    async sentiments(texts, language) {
      const LanguageCode = language as LanguageCode;
      const { ResultList = [], ErrorList = [] } = await client.send(
        new BatchDetectSentimentCommand({ TextList: [...texts], LanguageCode }),
      );
      const scores = new Map(
        ResultList.map(({ Index, SentimentScore }) => [Index, scoresOf(SentimentScore)]),
      );
      // A batch succeeds although texts of it failed. Alone, each has its own answer or its own error.
      for (const { Index = -1 } of ErrorList) {
        const { SentimentScore } = await client.send(
          new DetectSentimentCommand({ Text: texts[Index], LanguageCode }),
        );
        scores.set(Index, scoresOf(SentimentScore));
      }
      return texts.map((_, index) => {
        const found = scores.get(index);
        if (found) return found;
        throw new AnalysisFailed(
          `Comprehend answered a batch of ${texts.length} texts without text ${index + 1}.`,
        );
      });
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

function scoresOf(score: SentimentScore | undefined): Scores {
  if (!score) throw new AnalysisFailed('Comprehend answered a sentiment without scores.');
  const { Positive = 0, Negative = 0, Neutral = 0, Mixed = 0 } = score;
  return { positive: Positive, negative: Negative, neutral: Neutral, mixed: Mixed };
}

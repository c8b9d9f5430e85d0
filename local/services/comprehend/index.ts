import { z } from 'zod';
import {
  analyseSentiment,
  detectLanguages,
  findEntities,
  findKeyPhrases,
  findPii,
  type Span,
} from '../../engines/language.ts';
import { operation } from '../operation.ts';
import { AwsError, type LocalService, type Operation, type RuntimeContext, type Shape } from '../service.ts';

/** Bytes of UTF-8 in one text (guidelines and quotas of Comprehend, real-time analysis). */
const KB = 1024;
const SENTIMENT_BYTES = 5 * KB;
const OTHER_BYTES = 100 * KB;
/** Batches allow less: 5 KB a text for every analysis. */
const BATCH_BYTES = 5 * KB;
const BATCH_TEXTS = 25;

/** Languages of sentiment, entities and key phrases; of personal data. */
const LANGUAGES = ['en', 'es', 'fr', 'de', 'it', 'pt', 'ar', 'hi', 'ja', 'ko', 'zh', 'zh-TW'];
const PII_LANGUAGES = ['en', 'es'];

const Text = z.object({ Text: z.string().min(1, 'Text must not be empty.') });
const LanguageText = Text.extend({ LanguageCode: z.string() });
const Batch = z.object({ TextList: z.array(z.string().min(1, 'Text must not be empty.')).min(1) });
const LanguageBatch = Batch.extend({ LanguageCode: z.string() });
const INVALID = 'InvalidRequestException';

/** Analyses one text; `languages` is what AWS accepts, and undefined where no language is given. */
interface Analysis {
  readonly languages?: readonly string[];
  readonly maxBytes: number;
  analyse(text: string, language: string): Shape;
}

const ANALYSES = {
  DominantLanguage: {
    maxBytes: OTHER_BYTES,
    analyse: (text) => ({
      Languages: detectLanguages(text).map(({ code, score }) => ({ LanguageCode: code, Score: score })),
    }),
  },
  Sentiment: {
    languages: LANGUAGES,
    maxBytes: SENTIMENT_BYTES,
    analyse(text, language) {
      const sentiment = analyseSentiment(text, language);
      // AWS would answer for these too; a made-up answer would be worse than none.
      if (!sentiment) throw unsupported(language, 'has no sentiment lexicon in the local runtime');
      const { POSITIVE, NEGATIVE, NEUTRAL, MIXED } = sentiment.scores;
      return {
        Sentiment: sentiment.label,
        SentimentScore: { Positive: POSITIVE, Negative: NEGATIVE, Neutral: NEUTRAL, Mixed: MIXED },
      };
    },
  },
  Entities: {
    languages: LANGUAGES,
    maxBytes: OTHER_BYTES,
    analyse: (text) => ({ Entities: shapes(text, findEntities(text), { type: true, text: true }) }),
  },
  KeyPhrases: {
    languages: LANGUAGES,
    maxBytes: OTHER_BYTES,
    analyse: (text) => ({ KeyPhrases: shapes(text, findKeyPhrases(text), { type: false, text: true }) }),
  },
  PiiEntities: {
    languages: PII_LANGUAGES,
    maxBytes: OTHER_BYTES,
    analyse: (text) => ({ Entities: shapes(text, findPii(text), { type: true, text: false }) }),
  },
  ContainsPii: {
    languages: PII_LANGUAGES,
    maxBytes: OTHER_BYTES,
    analyse(text) {
      const labels = new Map<string, number>();
      for (const { type, score } of findPii(text)) labels.set(type, Math.max(score, labels.get(type) ?? 0));
      return { Labels: [...labels].map(([Name, Score]) => ({ Name, Score })) };
    },
  },
} satisfies Record<string, Analysis>;

/** Amazon Comprehend's text analytics by rules, lexicons and n-grams, in the process and within a millisecond a page. */
export function createComprehend(_context: RuntimeContext): LocalService {
  function single(analysis: Analysis): Operation {
    const run = (text: string, language: string) => {
      checkLanguage(analysis, language);
      checkSize(text, analysis.maxBytes);
      return analysis.analyse(text, language);
    };
    return analysis.languages
      ? operation(LanguageText, { handle: (input) => run(input.Text, input.LanguageCode) }, INVALID)
      : operation(Text, { handle: (input) => run(input.Text, '') }, INVALID);
  }

  function batch(analysis: Analysis): Operation {
    const run = (texts: readonly string[], language: string) => {
      if (texts.length > BATCH_TEXTS) {
        throw new AwsError(
          'BatchSizeLimitExceededException',
          `The batch has ${texts.length} texts; at most ${BATCH_TEXTS} are allowed.`,
        );
      }
      checkLanguage(analysis, language);
      for (const text of texts) checkSize(text, BATCH_BYTES);
      return {
        ResultList: texts.map((text, Index) => ({ Index, ...analysis.analyse(text, language) })),
        ErrorList: [],
      };
    };
    return analysis.languages
      ? operation(LanguageBatch, { handle: (input) => run(input.TextList, input.LanguageCode) }, INVALID)
      : operation(Batch, { handle: (input) => run(input.TextList, '') }, INVALID);
  }

  return {
    signingNames: ['comprehend'],
    iamPrefix: 'comprehend',
    operations: {
      DetectDominantLanguage: single(ANALYSES.DominantLanguage),
      DetectSentiment: single(ANALYSES.Sentiment),
      DetectEntities: single(ANALYSES.Entities),
      DetectKeyPhrases: single(ANALYSES.KeyPhrases),
      DetectPiiEntities: single(ANALYSES.PiiEntities),
      ContainsPiiEntities: single(ANALYSES.ContainsPii),
      BatchDetectDominantLanguage: batch(ANALYSES.DominantLanguage),
      BatchDetectSentiment: batch(ANALYSES.Sentiment),
      BatchDetectEntities: batch(ANALYSES.Entities),
      BatchDetectKeyPhrases: batch(ANALYSES.KeyPhrases),
    },
  };
}

function checkLanguage({ languages }: Analysis, language: string): void {
  if (languages && !languages.includes(language)) {
    throw unsupported(language, `is not supported; the languages are ${languages.join(', ')}`);
  }
}

const unsupported = (language: string, why: string) =>
  new AwsError('UnsupportedLanguageException', `The language '${language}' ${why}.`);

function checkSize(text: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return;
  throw new AwsError(
    'TextSizeLimitExceededException',
    `Input text size exceeds limit. Max length of request text allowed is ${maxBytes} bytes while in this request the text size is ${bytes} bytes`,
  );
}

function shapes(text: string, spans: readonly Span[], members: { type: boolean; text: boolean }): Shape[] {
  const position = codePointPositions(text);
  return spans.map(({ type, begin, end, score }) => ({
    Score: score,
    ...(members.type && { Type: type }),
    ...(members.text && { Text: text.slice(begin, end) }),
    BeginOffset: position(begin),
    EndOffset: position(end),
  }));
}

/** Comprehend counts code points, JavaScript counts UTF-16 units: they part at the first emoji. Ask in rising order. */
function codePointPositions(text: string): (unit: number) => number {
  if (!/[\ud800-\udbff]/.test(text)) return (unit) => unit;
  let units = 0;
  let points = 0;
  return (unit) => {
    if (unit < units) {
      units = 0;
      points = 0;
    }
    for (; units < unit; points++) units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
    return points;
  };
}

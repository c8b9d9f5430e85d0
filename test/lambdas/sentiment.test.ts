import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { analyse } from '../../lambdas/sentiment/analysis.ts';
import { chunksOf } from '../../lambdas/sentiment/chunks.ts';
import { combine, winner } from '../../lambdas/sentiment/combine.ts';
import { type Comprehend, comprehendApi } from '../../lambdas/sentiment/comprehend.ts';
import { redact } from '../../lambdas/sentiment/redact.ts';
import { analyseTexts } from '../../lambdas/sentiment/ticket-texts.ts';
import { cutBytes, utf8Bytes } from '../../lambdas/shared/unicode.ts';
import { awsError, FakeClient, FILE_ID, MemoryLake, seeded } from './support.ts';

const ALPHABET = ['a', 'é', '世', '😀', '👩‍👩‍👧', ' ', '.', '! ', '\n', '。', 'word ', 'Straße. ', '\u0301'];

function randomText(random: () => number, length: number): string {
  return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
}

const hasHalfPair = (text: string) => !text.isWellFormed();

test('chunks joined are the text, fit the limit, and never split a code point', () => {
  const random = seeded(1);
  for (let round = 0; round < 200; round++) {
    const text = randomText(random, Math.floor(random() * 400));
    const limit = 8 + Math.floor(random() * 200);
    const chunks = chunksOf(text, limit);
    assert.equal(chunks.join(''), text);
    for (const chunk of chunks) {
      assert.ok(utf8Bytes(chunk) <= limit, `${utf8Bytes(chunk)} bytes in a chunk of ${limit}`);
      assert.ok(!hasHalfPair(chunk), 'a code point was split');
      assert.notEqual(chunk, '');
    }
  }
});

test('chunks end at ends of sentences where they can', () => {
  const chunks = chunksOf('One is short. Two is short. Three is short.', 30);
  assert.deepEqual(chunks, ['One is short. Two is short. ', 'Three is short.']);
});

test('a word longer than a chunk is cut between code points', () => {
  const chunks = chunksOf('😀'.repeat(10), 10);
  assert.deepEqual(chunks, ['😀😀', '😀😀', '😀😀', '😀😀', '😀😀']);
});

test('a text without any sentence end is chunked in a moment', () => {
  const text = 'lorem '.repeat(200_000);
  const before = performance.now();
  assert.equal(chunksOf(text, 5_000).join(''), text);
  assert.ok(performance.now() - before < 5_000);
});

test('cutting by bytes keeps whole code points and the most of them', () => {
  assert.equal(cutBytes('aé世😀', 10), 'aé世😀');
  assert.equal(cutBytes('aé世😀', 9), 'aé世');
  assert.equal(cutBytes('aé世😀', 5), 'aé');
  assert.equal(cutBytes('😀', 3), '');
});

test('what is found is replaced by marks, by code points and not by code units', () => {
  const text = '😀 Write to ana@example.com or 555-0100.';
  const begin = [...text.slice(0, text.indexOf('ana'))].length;
  const found = [
    { type: 'PHONE', begin: [...text].join('').length - 10, end: 0 },
    { type: 'EMAIL', begin, end: begin + 'ana@example.com'.length },
  ];
  assert.equal(redact(text, found), '😀 Write to [EMAIL] or 555-0100.');
});

test('nothing that was found survives, however findings overlap', () => {
  const random = seeded(2);
  for (let round = 0; round < 200; round++) {
    const length = 30;
    const found = Array.from({ length: Math.floor(random() * 6) }, () => {
      const begin = Math.floor(random() * length);
      return { type: 'X', begin, end: begin + 1 + Math.floor(random() * 8) };
    });
    const secret = Array.from({ length }, (_, i) =>
      found.some(({ begin, end }) => i >= begin && i < end) ? '🔒' : 'o',
    );
    const redacted = redact(secret.join(''), found);
    assert.ok(!redacted.includes('🔒'));
    assert.equal([...redacted].filter((c) => c === 'o').length, secret.filter((c) => c === 'o').length);
  }
});

test('scores are combined by length', () => {
  const good = { positive: 1, negative: 0, neutral: 0, mixed: 0 };
  const bad = { positive: 0, negative: 1, neutral: 0, mixed: 0 };
  const scores = combine([
    { scores: good, weight: 1 },
    { scores: bad, weight: 3 },
  ]);
  assert.deepEqual(scores, { positive: 0.25, negative: 0.75, neutral: 0, mixed: 0 });
  assert.equal(winner(scores), 'NEGATIVE');
});

/** A Comprehend that finds `SECRET` to be a name and records what it was asked. */
class FakeComprehend implements Comprehend {
  readonly asked: { call: string; text: string }[] = [];
  readonly #spoken: string;
  batches = 0;

  constructor(spoken = 'en') {
    this.#spoken = spoken;
  }

  async language(text: string) {
    this.asked.push({ call: 'language', text });
    return this.#spoken;
  }

  async languages(texts: readonly string[]) {
    this.batches++;
    assert.ok(texts.length <= 25);
    for (const text of texts) {
      assert.ok(text !== '' && utf8Bytes(text) <= 5_000);
      this.asked.push({ call: 'languages', text });
    }
    return texts.map((text) => /^(\w\w):/.exec(text)?.[1] ?? this.#spoken);
  }

  async sentiments(texts: readonly string[]) {
    this.batches++;
    assert.ok(texts.length <= 25);
    for (const text of texts) {
      assert.ok(utf8Bytes(text) <= 5_000);
      this.asked.push({ call: 'sentiments', text });
    }
    return texts.map(() => ({ positive: 0.7, negative: 0.1, neutral: 0.1, mixed: 0.1 }));
  }

  async personalData(text: string) {
    assert.ok(utf8Bytes(text) <= 100_000);
    this.asked.push({ call: 'personalData', text });
    return [...text.matchAll(/SECRET/g)].map(({ index }) => {
      const begin = [...text.slice(0, index)].length;
      return { type: 'NAME', begin, end: begin + 6 };
    });
  }

  async entities(text: string) {
    this.asked.push({ call: 'entities', text });
    return [{ type: 'ORGANIZATION', text: 'Millrace', score: 0.9 }];
  }

  async keyPhrases(text: string) {
    this.asked.push({ call: 'keyPhrases', text });
    return ['the river'];
  }
}

async function analysed(text: string, comprehend: Comprehend) {
  const lake = new MemoryLake();
  const ref = { bucket: 'lake', key: 'restricted/text.txt' };
  lake.objects.set(ref.key, text);
  const result = await analyse(FILE_ID, ref, { comprehend, lake, lakeBucket: 'lake' });
  return { result, lake };
}

test('personal data leaves neither in the redacted text nor in what is asked about it', async () => {
  const comprehend = new FakeComprehend();
  const { result, lake } = await analysed('😀 Dear SECRET, thank you. SECRET is here.', comprehend);
  assert.equal(result.piiEntities, 2);
  assert.equal(result.redaction, 'DONE');
  assert.equal(
    lake.objects.get(`redacted/documents/${FILE_ID}.txt`),
    '😀 Dear [NAME], thank you. [NAME] is here.',
  );
  for (const { call, text } of comprehend.asked) {
    if (call === 'entities' || call === 'keyPhrases') assert.ok(!text.includes('SECRET'));
  }
  assert.ok(!lake.objects.get(`analysis/documents/${FILE_ID}.json`)?.includes('SECRET'));
});

test('a text of twenty pages is judged whole, in batches', async () => {
  const comprehend = new FakeComprehend();
  const text = 'This is a sentence of a very long letter to the company. SECRET signs. '.repeat(1_900);
  const { result } = await analysed(text, comprehend);
  assert.equal(result.sentiment, 'POSITIVE');
  assert.equal(result.chunks, comprehend.asked.filter(({ call }) => call === 'sentiments').length);
  assert.equal(comprehend.batches, Math.ceil(result.chunks / 25));
  assert.equal(result.piiEntities, 1_900);
  assert.equal(result.characters, text.length);
});

test('one word has a sentiment', async () => {
  const { result } = await analysed('Excellent!', new FakeComprehend());
  assert.deepEqual([result.language, result.sentiment, result.chunks], ['en', 'POSITIVE', 1]);
});

test('a blank text is neutral and costs no call', async () => {
  for (const text of ['', ' \n\t ']) {
    const comprehend = new FakeComprehend();
    const { result } = await analysed(text, comprehend);
    assert.deepEqual([result.language, result.sentiment, result.scores], ['UNKNOWN', 'NEUTRAL', null]);
    assert.deepEqual(comprehend.asked, []);
  }
});

test('a language without sentiment is UNKNOWN, and none of its text is published', async () => {
  const comprehend = new FakeComprehend('nl');
  const { result, lake } = await analysed('Hartelijk dank, SECRET.', comprehend);
  assert.deepEqual([result.language, result.sentiment], ['nl', 'UNKNOWN']);
  assert.deepEqual([result.redaction, result.redacted], ['NOT_SUPPORTED', null]);
  assert.deepEqual(
    comprehend.asked.map(({ call }) => call),
    ['language'],
  );
  assert.ok(
    [...lake.objects].every(([key, body]) => key.startsWith('restricted/') || !body.includes('SECRET')),
  );
});

test('a language that Comprehend refuses after all is UNKNOWN, too', async () => {
  const comprehend = new FakeComprehend('fr');
  comprehend.sentiments = () => Promise.reject(awsError('UnsupportedLanguageException', 'fr'));
  const { result } = await analysed('Bonjour.', comprehend);
  assert.deepEqual([result.language, result.sentiment, result.scores], ['fr', 'UNKNOWN', null]);
});

describe('texts of tickets', () => {
  const idOf = (n: number) => String(n).padStart(64, '0');
  const refOf = (n: number) => ({ bucket: 'lake', key: `raw/crm-work/texts/${n}.txt` });
  async function analysedTexts(texts: readonly string[], comprehend: Comprehend, lake = new MemoryLake()) {
    for (const [n, text] of texts.entries()) lake.objects.set(refOf(n).key, text);
    const batch = texts.map((_, n) => ({ sha256: idOf(n), text: refOf(n) }));
    const counts = await analyseTexts(batch, { comprehend, lake, lakeBucket: 'lake' });
    const found = texts.map((_, n) =>
      JSON.parse(lake.objects.get(`analysis/tickets/${idOf(n)}.json`) ?? '{}'),
    );
    return { counts, found, lake };
  }

  test('are asked about together, each language by itself, and answered each for itself', async () => {
    const comprehend = new FakeComprehend();
    const long = `de: ${'Das ist kaputt. '.repeat(400)}`;
    const texts = [...Array.from({ length: 22 }, (_, n) => `Lamp ${n} from SECRET\n\nIt is broken.`), long];
    const { counts, found, lake } = await analysedTexts([...texts, ' ', 'nl: dank, SECRET'], comprehend);
    assert.deepEqual([counts.analysed, comprehend.batches], [25, 3]);
    assert.deepEqual(
      found
        .slice(-4)
        .map(({ language, sentiment, chunks, redaction, subject }) => [
          language,
          sentiment,
          chunks,
          redaction,
          subject,
        ]),
      [
        ['en', 'POSITIVE', 1, 'DONE', 'Lamp 21 from [NAME]'],
        ['de', 'POSITIVE', 2, 'NOT_SUPPORTED', null],
        ['UNKNOWN', 'NEUTRAL', 0, 'DONE', ' '],
        ['nl', 'UNKNOWN', 0, 'NOT_SUPPORTED', null],
      ],
    );
    assert.equal(found[0].sentimentScore, 0.6);
    const published = [...lake.objects].filter(([key]) => key.startsWith('analysis/'));
    assert.ok(published.every(([, body]) => !body.includes('SECRET')));
  });

  test('that have an analysis are not asked about again', async () => {
    const first = await analysedTexts(['One.', 'Two.'], new FakeComprehend());
    const comprehend = new FakeComprehend();
    const { counts } = await analysedTexts(['One.', 'Two.', 'Three.'], comprehend, first.lake);
    assert.deepEqual(counts, { analysed: 1, characters: 6 });
    assert.deepEqual([...new Set(comprehend.asked.map(({ text }) => text))], ['Three.']);
  });

  test('of a language that Comprehend refuses leave those of others alone', async () => {
    const comprehend = new FakeComprehend();
    const sentiments = comprehend.sentiments.bind(comprehend);
    comprehend.sentiments = (texts, language?: string) =>
      language === 'fr' ? Promise.reject(awsError('UnsupportedLanguageException', 'fr')) : sentiments(texts);
    const { found } = await analysedTexts(['fr: Bonjour.', 'Hello.'], comprehend);
    assert.deepEqual(
      found.map(({ language, sentiment }) => [language, sentiment]),
      [
        ['fr', 'UNKNOWN'],
        ['en', 'POSITIVE'],
      ],
    );
  });
});

test('a text that failed within a batch is asked about alone, and never left out', async () => {
  const score = { Positive: 0.9, Negative: 0, Neutral: 0.1, Mixed: 0 };
  const client = new FakeClient({
    BatchDetectSentiment: () => ({
      ResultList: [{ Index: 0, SentimentScore: score }],
      ErrorList: [{ Index: 1, ErrorCode: 'INTERNAL_SERVER_ERROR' }],
    }),
    DetectSentiment: ({ Text }) => ({ SentimentScore: { ...score, Positive: Text === 'two' ? 0.2 : 0 } }),
  });
  const scores = await comprehendApi(client).sentiments(['one', 'two'], 'en');
  assert.deepEqual(
    scores.map(({ positive }) => positive),
    [0.9, 0.2],
  );
});

test('an error of a text that failed twice keeps its name', async () => {
  const client = new FakeClient({
    BatchDetectSentiment: () => ({
      ResultList: [],
      ErrorList: [{ Index: 0, ErrorCode: 'INTERNAL_SERVER_ERROR' }],
    }),
    DetectSentiment: () => {
      throw awsError('ThrottlingException');
    },
  });
  await assert.rejects(comprehendApi(client).sentiments(['one'], 'en'), { name: 'ThrottlingException' });
});

test('languages of a batch come in order, and one that failed alone', async () => {
  const client = new FakeClient({
    BatchDetectDominantLanguage: () => ({
      ResultList: [
        { Index: 2, Languages: [] },
        {
          Index: 0,
          Languages: [
            { LanguageCode: 'de', Score: 0.2 },
            { LanguageCode: 'en', Score: 0.8 },
          ],
        },
      ],
      ErrorList: [{ Index: 1, ErrorCode: 'INTERNAL_SERVER_ERROR' }],
    }),
    DetectDominantLanguage: ({ Text }) => ({ Languages: [{ LanguageCode: Text, Score: 1 }] }),
  });
  assert.deepEqual(await comprehendApi(client).languages(['one', 'fr', '?']), ['en', 'fr', '']);
});

test('an answer that leaves a text out is an error', async () => {
  const client = new FakeClient({ BatchDetectSentiment: () => ({ ResultList: [], ErrorList: [] }) });
  await assert.rejects(comprehendApi(client).sentiments(['one'], 'en'), { name: 'AnalysisFailed' });
});

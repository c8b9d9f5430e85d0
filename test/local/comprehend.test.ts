import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  ComprehendClient,
  DetectPiiEntitiesCommand,
  DetectSentimentCommand,
} from '@aws-sdk/client-comprehend';
import { z } from 'zod';
import { createComprehend } from '../../local/services/comprehend/index.ts';
import type { Shape } from '../../local/services/service.ts';
import { FakeContext, serveJson } from './fake-context.ts';

const comprehend = createComprehend(new FakeContext());
const call = async (name: string, input: Shape): Promise<Shape> => {
  const operation = comprehend.operations?.[name];
  assert.ok(operation, name);
  return operation.handle(input, { caller: { kind: 'administrator' } });
};
const sample = (name: string) =>
  readFileSync(new URL(`../expected-text/${name}.txt`, import.meta.url), 'utf8');

const Found = z.array(
  z.object({ Type: z.string(), BeginOffset: z.number(), EndOffset: z.number(), Score: z.number() }),
);
const pii = async (text: string, LanguageCode = 'en') => {
  const { Entities } = await call('DetectPiiEntities', { Text: text, LanguageCode });
  const points = [...text];
  return Found.parse(Entities).map(({ Type, BeginOffset, EndOffset }) => [
    Type,
    points.slice(BeginOffset, EndOffset).join(''),
  ]);
};

describe('languages', () => {
  const texts = {
    en: 'The parcel has not arrived.',
    de: 'Das Paket ist nicht angekommen.',
    es: 'El paquete no ha llegado.',
    fr: "Le colis n'est pas arrivé.",
    it: 'Il pacco non è arrivato.',
    pl: 'Paczka nie dotarła.',
    ja: 'ありがとうございます',
  };
  for (const [language, text] of Object.entries(texts)) {
    test(`a sentence in ${language} is recognised`, async () => {
      const { Languages } = await call('DetectDominantLanguage', { Text: text });
      const [first] = z.array(z.object({ LanguageCode: z.string(), Score: z.number() })).parse(Languages);
      assert.equal(first?.LanguageCode, language);
    });
  }

  test('a text without words has no language', async () => {
    assert.deepEqual(await call('DetectDominantLanguage', { Text: '12345' }), { Languages: [] });
  });
});

describe('sentiment', () => {
  const Result = z.object({ Sentiment: z.string(), SentimentScore: z.record(z.string(), z.number()) });
  const cases: [text: string, language: string, sentiment: string][] = [
    ['The food was wonderful and the staff were very friendly.', 'en', 'POSITIVE'],
    ['The food was not good.', 'en', 'NEGATIVE'],
    ["I don't like it at all.", 'en', 'NEGATIVE'],
    ['The meeting begins at nine.', 'en', 'NEUTRAL'],
    ['I love the camera. The battery is awful.', 'en', 'MIXED'],
    ['Der Service war ausgezeichnet, vielen Dank!', 'de', 'POSITIVE'],
    ['Das Gerät ist kaputt und die Hotline unfreundlich.', 'de', 'NEGATIVE'],
    ['Das hat mir nicht gefallen.', 'de', 'NEGATIVE'],
    ['Un servicio excelente y muy amable.', 'es', 'POSITIVE'],
    ['El producto llegó roto y nadie me ayudó.', 'es', 'NEGATIVE'],
  ];
  for (const [Text, LanguageCode, expected] of cases) {
    test(`«${Text}» is ${expected.toLowerCase()}, and the scores add up to 1`, async () => {
      const result = Result.parse(await call('DetectSentiment', { Text, LanguageCode }));
      assert.equal(result.Sentiment, expected);
      const sum = Object.values(result.SentimentScore).reduce((total, score) => total + score, 0);
      assert.ok(Math.abs(sum - 1) < 1e-9);
    });
  }

  test('a language without a lexicon is refused, not guessed', async () => {
    await assert.rejects(call('DetectSentiment', { Text: 'とても良い', LanguageCode: 'ja' }), {
      name: 'UnsupportedLanguageException',
    });
  });

  test('a batch answers for each text with its index', async () => {
    const { ResultList, ErrorList } = await call('BatchDetectSentiment', {
      TextList: ['Great!', 'Awful!'],
      LanguageCode: 'en',
    });
    const results = z.array(Result.extend({ Index: z.number() })).parse(ResultList);
    assert.deepEqual(
      results.map(({ Index, Sentiment }) => [Index, Sentiment]),
      [
        [0, 'POSITIVE'],
        [1, 'NEGATIVE'],
      ],
    );
    assert.deepEqual(ErrorList, []);
  });
});

describe('personal data', () => {
  const cases: [type: string, before: string, found: string, after: string][] = [
    ['EMAIL', 'Write to ', 'ann.lee@example.com', '.'],
    ['URL', 'See ', 'https://example.com/a?b=c', '.'],
    ['PHONE', 'Call ', '+1 (206) 555-0142', ' now.'],
    ['CREDIT_DEBIT_NUMBER', 'Card ', '4111 1111 1111 1111', '.'],
    ['INTERNATIONAL_BANK_ACCOUNT_NUMBER', 'To ', 'DE89 3704 0044 0532 0130 00', ', please.'],
    ['SSN', 'SSN ', '219-09-9999', '.'],
    ['IP_ADDRESS', 'From ', '192.0.2.44', '.'],
    ['DATE_TIME', 'On ', '14 May 2026', ' it rained.'],
    ['NAME', 'Dear Mrs ', 'Whitaker', ','],
    ['ADDRESS', 'Send it to ', '48 Harbour Street, Seattle, WA 98101', '.'],
    ['AGE', 'She is ', '34 years old', '.'],
    ['PASSWORD', 'The password is ', 'hunter2!', ' for now'],
    ['USERNAME', 'My username is ', 'ann_lee7', '.'],
    ['AWS_ACCESS_KEY', 'Key ', 'AKIAIOSFODNN7EXAMPLE', '.'],
  ];
  for (const [type, before, found, after] of cases) {
    test(`${type} is found in its exact place`, async () => {
      assert.deepEqual(await pii(before + found + after), [[type, found]]);
    });
  }

  test('numbers whose checksum is wrong are left alone', async () => {
    assert.deepEqual(await pii('Order 4111 1111 1111 1112, reference DE89 3704 0044 0532 0130 01.'), []);
  });

  test('offsets count code points, not UTF-16 units', async () => {
    assert.deepEqual(await pii('😀😀 ann@example.com'), [['EMAIL', 'ann@example.com']]);
  });

  test('ContainsPiiEntities names each type once', async () => {
    const { Labels } = await call('ContainsPiiEntities', {
      Text: 'a@example.com, b@example.com',
      LanguageCode: 'en',
    });
    assert.deepEqual(Labels, [{ Name: 'EMAIL', Score: 0.999 }]);
  });

  test('AWS knows no personal data in German', async () => {
    await assert.rejects(call('DetectPiiEntities', { Text: 'x', LanguageCode: 'de' }), {
      name: 'UnsupportedLanguageException',
    });
  });
});

describe('entities and key phrases', () => {
  test('persons, organisations, places, dates and quantities of a contract are found', async () => {
    const { Entities } = await call('DetectEntities', {
      Text: sample('scanned-contract'),
      LanguageCode: 'en',
    });
    const found = z
      .array(z.object({ Type: z.string(), Text: z.string() }))
      .parse(Entities)
      .map(({ Type, Text }) => `${Type} ${Text}`);
    for (const expected of [
      'PERSON Clara Jensen',
      'ORGANIZATION Northgate Storage Ltd',
      'LOCATION England',
      'DATE 1 March 2026',
      'QUANTITY 140 pounds',
    ]) {
      assert.ok(found.includes(expected), `${expected} in ${found.join(', ')}`);
    }
  });

  test('key phrases are groups of words with their article', async () => {
    const { KeyPhrases } = await call('DetectKeyPhrases', {
      Text: 'The walnut desk is with your colleague.',
      LanguageCode: 'en',
    });
    const phrases = z.array(z.object({ Text: z.string() })).parse(KeyPhrases);
    assert.deepEqual(
      phrases.map(({ Text }) => Text),
      ['The walnut desk', 'your colleague'],
    );
  });
});

describe('limits', () => {
  const refusals: [name: string, operation: string, input: Shape, error: string][] = [
    ['an empty text', 'DetectSentiment', { Text: '', LanguageCode: 'en' }, 'InvalidRequestException'],
    [
      'more than 5 KB for sentiment',
      'DetectSentiment',
      { Text: 'é'.repeat(2561), LanguageCode: 'en' },
      'TextSizeLimitExceededException',
    ],
    [
      'more than 100 KB for personal data',
      'DetectPiiEntities',
      { Text: 'a'.repeat(102_401), LanguageCode: 'en' },
      'TextSizeLimitExceededException',
    ],
    [
      'a batch of 26',
      'BatchDetectSentiment',
      { TextList: Array.from({ length: 26 }, () => 'x'), LanguageCode: 'en' },
      'BatchSizeLimitExceededException',
    ],
    [
      'a language nobody knows',
      'DetectSentiment',
      { Text: 'x', LanguageCode: 'tlh' },
      'UnsupportedLanguageException',
    ],
  ];
  for (const [name, operation, input, error] of refusals) {
    test(`${name} is refused with ${error}`, async () => {
      await assert.rejects(call(operation, input), { name: error });
    });
  }

  test('100 KB of anything are analysed in bounded time', async () => {
    for (const unit of ['A', 'a@', '1 ', 'Aa-', '\n']) {
      const Text = unit.repeat(Math.floor(102_400 / unit.length));
      await call('DetectPiiEntities', { Text, LanguageCode: 'en' });
      await call('DetectEntities', { Text, LanguageCode: 'en' });
      await call('DetectKeyPhrases', { Text, LanguageCode: 'en' });
    }
  });
});

test('the AWS SDK understands answers and errors', async (t) => {
  const served = new FakeContext();
  served.use(t, createComprehend(served));
  const client = new ComprehendClient({
    endpoint: await serveJson(t, served, 'comprehend'),
    region: served.region,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  t.after(() => client.destroy());
  const { Sentiment } = await client.send(
    new DetectSentimentCommand({ Text: 'A wonderful day!', LanguageCode: 'en' }),
  );
  assert.equal(Sentiment, 'POSITIVE');
  await assert.rejects(client.send(new DetectPiiEntitiesCommand({ Text: 'x', LanguageCode: 'de' })), {
    name: 'UnsupportedLanguageException',
  });
});

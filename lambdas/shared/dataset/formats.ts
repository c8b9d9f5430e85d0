import type { Format } from '../../../datasets/dataset.ts';

interface FormatRule {
  /** Ends the sentence `… is not`. */
  readonly description: string;
  is(text: string): boolean;
}

/** One `@`, something that can be a mailbox before it and a domain behind it; that it exists only a message shows. */
const EMAIL =
  /^[^\s@"(),:;<>[\\\]]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$/u;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const URI = /^[a-z][a-z\d+.-]*:\S+$/i;

/** Codes that the Unicode locale data names although ISO 3166-1 has given them to no country. */
const NO_COUNTRIES = new Set(['EU', 'EZ', 'QO', 'UN', 'XA', 'XB', 'XK', 'ZZ']);

let currencies: ReadonlySet<string> | undefined;
let regions: Intl.DisplayNames | undefined;

/** How texts of each format look. */
export const FORMATS: Readonly<Record<Format, FormatRule>> = {
  email: { description: 'an e-mail address', is: (text) => EMAIL.test(text) },
  uuid: { description: 'a UUID', is: (text) => UUID.test(text) },
  uri: { description: 'an absolute URI', is: (text) => URI.test(text) && URL.canParse(text) },
  currency: {
    description: 'a currency of ISO 4217, such as EUR',
    is(text) {
      currencies ??= new Set(Intl.supportedValuesOf('currency'));
      return currencies.has(text);
    },
  },
  country: {
    description: 'a country of ISO 3166-1, such as DE',
    is(text) {
      regions ??= new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
      return /^[A-Z]{2}$/.test(text) && !NO_COUNTRIES.has(text) && regions.of(text) !== undefined;
    },
  },
};

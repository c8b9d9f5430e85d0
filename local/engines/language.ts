export { type DetectedLanguage, detectLanguages } from './language-detection.ts';
export { findEntities, findKeyPhrases } from './language-entities.ts';
export { findPii, type Span } from './language-pii.ts';
export { analyseSentiment, type Sentiment, type SentimentLabel } from './language-sentiment.ts';

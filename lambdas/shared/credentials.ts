import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Stands in for `@aws-sdk/credential-provider-node` in the bundles of handlers. Lambda hands a function its role's
 * credentials in the environment; sign-in, profiles, and metadata services would be a fifth of each bundle for nothing.
 */
export const defaultProvider = () => fromEnv();

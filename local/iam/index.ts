export { MalformedPolicy } from './conditions.ts';
export {
  assertAuthorized,
  createPolicyStore,
  type Decision,
  type EvaluatingPolicyStore,
} from './policy-store.ts';

import type { Stage } from '../stage.ts';
import { documentWays } from './documents.ts';
import { helpDeskWays } from './help-desk.ts';
import type { Ways } from './moves.ts';
import { operationsWays } from './operations.ts';
import type { Props } from './props.ts';
import { reconciliationWays } from './reconciliation.ts';

/** The ways through the deployment. */
export async function waysOf(stage: Stage, props: Props): Promise<Ways> {
  return {
    ...documentWays(stage, props),
    ...helpDeskWays(stage, props),
    ...operationsWays(stage, props),
    ...(await reconciliationWays(stage, props)),
  };
}

import type { Stage } from '../stage.ts';
import { crmWays } from './crm.ts';
import { crmWebhookWays } from './crm-webhook.ts';
import { documentWays } from './documents.ts';
import { featureWays } from './features.ts';
import { helpDeskWays } from './help-desk.ts';
import { maintenanceWays } from './maintenance.ts';
import type { Ways } from './moves.ts';
import { operationsWays } from './operations.ts';
import type { Props } from './props.ts';
import { reconciliationWays } from './reconciliation.ts';
import { tabularWays } from './tabular.ts';
import { warehouseWays } from './warehouse.ts';

/** The ways through the deployment. */
export async function waysOf(stage: Stage, props: Props): Promise<Ways> {
  return {
    // First: they are more exact than the documents'.
    ...warehouseWays(stage, props),
    ...documentWays(stage, props),
    ...helpDeskWays(stage, props),
    ...maintenanceWays(stage),
    ...operationsWays(stage, props),
    ...(await reconciliationWays(stage, props)),
    ...(await tabularWays(stage, props)),
    // First: they are more exact than the CRM's.
    ...(await featureWays(stage)),
    ...(await crmWays(stage)),
    // Behind the CRM's, which connect it.
    ...(await crmWebhookWays(stage, props)),
  };
}

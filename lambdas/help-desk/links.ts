import type { HelpDeskSettings, TicketLink } from './contract.ts';

/** What a ticket can lead to. */
export interface Places {
  readonly runbook: string;
  readonly executionArn?: string | undefined;
  readonly alarmName?: string | undefined;
  /** Id of a file or load in the audit table. */
  readonly auditId?: string | undefined;
}

/** Where to read on, most useful first. */
export function linksOf(places: Places, settings: HelpDeskSettings): TicketLink[] {
  const { region, dashboardName, auditTable, runbookUrl } = settings;
  const { runbook, executionArn, alarmName, auditId } = places;
  const page = (service: string, fragment: string) =>
    `https://${region}.console.aws.amazon.com/${service}/home?region=${region}#${fragment}`;
  const links: (TicketLink | undefined)[] = [
    { label: 'What to do', url: `${runbookUrl}#${runbook}` },
    executionArn
      ? { label: 'Latest execution', url: page('states', `/v2/executions/details/${executionArn}`) }
      : undefined,
    alarmName
      ? { label: 'Alarm', url: page('cloudwatch', `alarmsV2:alarm/${encodeURIComponent(alarmName)}`) }
      : undefined,
    auditId
      ? {
          label: 'Audit',
          url: page(
            'dynamodbv2',
            `item-explorer?operation=QUERY&table=${encodeURIComponent(auditTable)}&pk=${encodeURIComponent(auditId)}`,
          ),
        }
      : undefined,
    {
      label: dashboardName ? 'Dashboard' : 'Dashboards',
      url: page(
        'cloudwatch',
        dashboardName ? `dashboards/dashboard/${encodeURIComponent(dashboardName)}` : 'dashboards',
      ),
    },
  ];
  return links.filter((link) => link !== undefined);
}

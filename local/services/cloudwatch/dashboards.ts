import { z } from 'zod';
import { operation } from '../operation.ts';
import { AwsError, type Operations, type Provision, type RuntimeContext, type Shape } from '../service.ts';

const Body = z.object({ DashboardName: z.string().optional(), DashboardBody: z.string() });

/** Dashboards of templates: kept and told, never drawn. */
export function createDashboards({ clock, account }: Pick<RuntimeContext, 'clock' | 'account'>): {
  readonly operations: Operations;
  readonly provision: Provision;
} {
  const dashboards = new Map<string, { readonly body: string; readonly since: number }>();
  // Dashboards have no region.
  const arnOf = (name: string) => `arn:aws:cloudwatch::${account}:dashboard/${name}`;
  const shown = ([name, { body, since }]: [string, { body: string; since: number }]): Shape => ({
    DashboardName: name,
    DashboardArn: arnOf(name),
    LastModified: since / 1000,
    Size: Buffer.byteLength(body),
  });
  return {
    operations: {
      ListDashboards: operation(z.object({ DashboardNamePrefix: z.string().default('') }), {
        handle: ({ DashboardNamePrefix }) => ({
          DashboardEntries: [...dashboards]
            .filter(([name]) => name.startsWith(DashboardNamePrefix))
            .map((entry) => shown(entry)),
        }),
      }),
      GetDashboard: operation(z.object({ DashboardName: z.string() }), {
        resources: ({ DashboardName }) => [arnOf(DashboardName)],
        handle: ({ DashboardName }) => {
          const dashboard = dashboards.get(DashboardName);
          if (!dashboard) {
            throw new AwsError('ResourceNotFound', `Dashboard ${DashboardName} does not exist`, {
              status: 404,
            });
          }
          return { DashboardName, DashboardArn: arnOf(DashboardName), DashboardBody: dashboard.body };
        },
      }),
    },
    provision({ properties, generatedName }) {
      const { DashboardName = generatedName, DashboardBody } = Body.parse(properties);
      // CloudWatch refuses a body that is no JSON.
      JSON.parse(DashboardBody);
      dashboards.set(DashboardName, { body: DashboardBody, since: clock.now() });
      return { ref: DashboardName, attributes: {} };
    },
  };
}

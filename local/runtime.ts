import { join } from 'node:path';
import { type Clock, MovableClock } from './clock.ts';
import { connectCrm, wantsCrm } from './crm/connect.ts';
import { type Crm, startCrm } from './crm/index.ts';
import { announceEndpoint, claimData } from './data-directory.ts';
import { RoleKeys } from './endpoint/credentials.ts';
import { createDispatch, disturbed } from './endpoint/dispatch.ts';
import { type ObservedCall, observed } from './endpoint/observe.ts';
import { Endpoint } from './endpoint/server.ts';
import { countThrottles } from './endpoint/throttles.ts';
import { controlFaults, FAULTS_PATH } from './faults/control.ts';
import { Faults } from './faults/faults.ts';
import type { FaultPlan } from './faults/rules.ts';
import { connectDesks } from './help-desk/connect.ts';
import { type HelpDesk, startHelpDesk } from './help-desk/index.ts';
import { assertAuthorized, createPolicyStore } from './iam/index.ts';
import { FRONT_PATH } from './services/apigateway/index.ts';
import { createServices, type Services } from './services/index.ts';
import type { BusEvent, LocalService, Provision, RuntimeContext } from './services/service.ts';
import { type Assembly, readAssembly } from './template/assembly.ts';
import { INERT_PROVISIONERS } from './template/inert.ts';
import { type ProvisionedStacks, provisionAssembly } from './template/provision.ts';

export interface RuntimeOptions {
  /** Directory of a synthesised cloud assembly (`cdk.out`). */
  readonly assembly: string;
  /** Directory of the runtime's state; made when it is missing. */
  readonly dataDir: string;
  /** Port of the endpoint; 0 takes a free one. @default 4566 */
  readonly port?: number;
  /** @default us-east-1 */
  readonly region?: string;
  /** @default 000000000000 */
  readonly account?: string;
  /** @default the machine's, which can be made to jump */
  readonly clock?: Clock;
  /** Port of the help desk on this machine; 0, or one that is taken, gives a free one. False for none. @default 0 */
  readonly helpDesk?: { readonly port: number } | false;
  /**
   * Port of the CRM on this machine, as `helpDesk`; it runs only where the template has a place for one. `tickets` are those
   * that it has from the start, a few thousand unless told. @default there is none
   */
  readonly crm?: { readonly port: number; readonly tickets?: number };
  /** What goes wrong from the start. */
  readonly faults?: FaultPlan;
  /** Where warnings go. @default standard error */
  readonly warn?: (message: string) => void;
  /** Sees every event that AWS itself puts on the default bus. */
  readonly onEvent?: (event: BusEvent) => void;
  /** Sees every API request after its answer; for measurements. */
  readonly onCall?: (call: ObservedCall) => void;
}

/** A cloud assembly that runs on this machine. */
export interface Runtime {
  readonly endpoint: string;
  readonly stacks: ProvisionedStacks;
  readonly services: Services;
  readonly context: RuntimeContext;
  /** Where the tickets of the template's desks are opened, unless their secrets say otherwise. */
  readonly helpDesk: HelpDesk | undefined;
  /** Where tickets are fetched from, unless the CRM's secret says otherwise. */
  readonly crm: Crm | undefined;
  /** What goes wrong; can be changed at any time. */
  readonly faults: Faults;
  /** Sees every event of AWS itself from now on; the returned function ends it. */
  onEvent(listener: (event: BusEvent) => void): () => void;
  /** Stops polling, ends every function's process, and closes what is open. State stays on disk. */
  stop(): Promise<void>;
}

/**
 * Builds every resource of the assembly and starts what reacts to events.
 * @throws PortInUse, DataInUse, UnsupportedResource, InvalidFaults
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { dataDir, clock = new MovableClock(), region = 'us-east-1', account = '000000000000' } = options;
  const warn = options.warn ?? ((message: string) => process.stderr.write(`${message}\n`));

  const assembly: Assembly = readAssembly(options.assembly);
  const policies = createPolicyStore(() => clock.now());
  const keys = new RoleKeys();
  const byName = new Map<string, LocalService>();
  const authorize: RuntimeContext['authorize'] = (request) => assertAuthorized(policies, request, account);
  const serviceFor = (name: string) => byName.get(name);
  const onCall = (call: ObservedCall) => {
    countThrottles(call, (datum) => services?.cloudwatch.record(datum));
    options.onCall?.(call);
  };
  const faults = new Faults({
    clock,
    isStateMachine: (roleArn) => policies.canAssume(roleArn, 'states.amazonaws.com'),
  });
  faults.set(options.faults);
  const dispatch = createDispatch(serviceFor, authorize);
  const dispatchVia = (via: ObservedCall['via']) => observed(disturbed(dispatch, via, faults), via, onCall);
  const endpoint = new Endpoint({
    keys,
    serviceFor,
    dispatch: dispatchVia('endpoint'),
    onCall,
    faults,
    controls: {
      [FAULTS_PATH]: (request) => controlFaults(faults, request),
      [FRONT_PATH]: async (request) => services?.apigateway.front(request) ?? { status: 503 },
    },
  });
  const port = await endpoint.listen(options.port ?? 4566);

  const listeners = new Set<(event: BusEvent) => void>(options.onEvent ? [options.onEvent] : []);
  let services: Services | undefined;
  let stacks: ProvisionedStacks | undefined;
  const context: RuntimeContext = {
    clock,
    account,
    region,
    dataDir,
    endpoint: `http://127.0.0.1:${port}`,
    authorize,
    call: dispatchVia('process'),
    emit(event) {
      if (faults.arrives(event)) services?.events.deliver(event);
      for (const listener of listeners) listener(event);
    },
    policies,
    credentialsFor: (roleArn, sessionName) => keys.issue(roleArn, sessionName),
    metric: (datum) => services?.cloudwatch.record(datum),
    log: (group, stream, message) => services?.logs.append(group, stream, message),
    warn,
  };

  const started: LocalService[] = [];
  let helpDesk: HelpDesk | undefined;
  let crm: Crm | undefined;
  let release: (() => void) | undefined;
  const stop = async () => {
    // First nobody can ask any more, then what polls and reacts ends, and last the stores.
    await endpoint.close();
    faults.clear();
    for (const service of started.toReversed()) await service.stop?.();
    for (const service of started) service.close?.();
    await helpDesk?.stop();
    await crm?.stop();
    release?.();
  };
  try {
    release = claimData(dataDir);
    services = await createServices(context, assembly, () => stacks ?? { stacks: [] }, faults);
    const all = Object.values(services);
    started.push(...all);
    for (const service of all) for (const name of service.signingNames) byName.set(name, service);
    const provisioners: Record<string, Provision> = Object.assign(
      { ...INERT_PROVISIONERS },
      ...all.map((service) => service.resources ?? {}),
    );
    stacks = await provisionAssembly(assembly, { account, region, provisioners });
    if (options.helpDesk !== false) {
      helpDesk = await startHelpDesk({
        dataDir,
        clock,
        port: options.helpDesk?.port,
        disturb: () => faults.server('help-desk'),
        warn,
      });
      await connectDesks(helpDesk, stacks, context);
    }
    if (options.crm && wantsCrm(stacks)) {
      crm = await startCrm({ dataDir, clock, ...options.crm, disturb: () => faults.server('crm'), warn });
      await connectCrm(crm, stacks, context);
    }
    for (const service of all) await service.start?.();
    announceEndpoint(dataDir, context.endpoint);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint: context.endpoint,
    stacks,
    services,
    context,
    helpDesk,
    crm,
    faults,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop,
  };
}

/** Where the runtime keeps its state for a checkout, unless told otherwise. */
export const defaultDataDir = (root: string): string => join(root, '.millrace');

import { AwsError } from '../service.ts';

/** Names of state machines and executions: at most 80 characters, none that AWS forbids (StartExecution, "name"). */
const FORBIDDEN = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}\u{10fffe}\u{10ffff}]/u;
const MAX_NAME = 80;

/** @throws AwsError `InvalidName` */
export function checkName(name: string): string {
  if (name.length === 0 || name.length > MAX_NAME || FORBIDDEN.test(name))
    throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
  return name;
}

/** Splits `arn:aws:states:region:account:kind:rest…`. @throws AwsError `InvalidArn` */
export function arnParts(arn: unknown, kind: string): readonly string[] {
  const parts = typeof arn === 'string' ? arn.split(':') : [];
  if (parts[2] !== 'states' || !kind.split('|').includes(parts[5] ?? '') || !parts[6])
    throw new AwsError(
      'InvalidArn',
      `Invalid Arn: 'Resource type not valid in this context: ${String(arn)}'`,
    );
  return parts;
}

export interface ArnMaker {
  machine(name: string): string;
  execution(machineName: string, name: string): string;
  express(machineName: string, name: string, id: string): string;
  mapRun(machineName: string, label: string, id: string): string;
}

export function arnMaker(region: string, account: string): ArnMaker {
  const base = `arn:aws:states:${region}:${account}`;
  return {
    machine: (name) => `${base}:stateMachine:${name}`,
    execution: (machine, name) => `${base}:execution:${machine}:${name}`,
    express: (machine, name, id) => `${base}:express:${machine}:${name}:${id}`,
    mapRun: (machine, label, id) => `${base}:mapRun:${machine}/${label}:${id}`,
  };
}

import type { Severity } from '../../../lambdas/shared/contract.ts';

/**
 * Ids of the constructs that hold alarms. CloudFormation names an alarm `<stack>-<logical id>-…`, and a logical id
 * begins with these, so that one prefix tells the help desk's alarms from all others.
 */
export const ALARMS = {
  /** Alarms that open tickets: the help desk's rule takes every change of state of these. */
  tickets: 'Alarms',
  /** Alarms that people get through the second channel, because the help desk might not tell them. */
  secondChannel: 'HelpDeskAlarms',
  /** Parts of composite alarms: they tell nobody anything. */
  windows: 'BurnRateWindows',
} as const;

/** The pipeline that opens tickets: alarms on it take the second channel. */
export const HELP_DESK = { pipeline: 'help-desk', runbook: 'the-help-desk-is-behind' } as const;

/** Prefix of the names of the alarms that open tickets. */
export const ticketAlarmPrefix = (stackName: string): string => `${stackName}-${ALARMS.tickets}`;

/** `document-ingestion` as `DocumentIngestion`, and `web_orders` as `WebOrders`. */
export const pascalCase = (name: string): string =>
  name.replace(/(^|[-_])([A-Za-z0-9])/g, (_match, _separator, letter: string) => letter.toUpperCase());

export interface AlarmText {
  /** What is wrong, in a sentence. */
  readonly sentence: string;
  readonly runbookUrl: string;
  /** Section of docs/operations.md, as its anchor. */
  readonly runbook: string;
  readonly severity: Severity;
  readonly pipeline: string;
  readonly covers?: 'executions';
  /** What mends it. */
  readonly command?: string;
}

/** An alarm's description: a sentence for people, then lines that the help desk reads. CloudWatch takes 1,024 characters. */
export function alarmDescription(text: AlarmText): string {
  const { sentence, runbookUrl, runbook, severity, pipeline, covers, command } = text;
  return [
    sentence,
    `Runbook: ${runbookUrl}#${runbook}`,
    `Severity: ${severity}`,
    `Pipeline: ${pipeline}`,
    ...(covers ? [`Covers: ${covers}`] : []),
    ...(command ? [`Command: ${command}`] : []),
  ].join('\n');
}

/**
 * How each kind of alarm is made to fire and to end: what its metrics say in each minute of bad and of good times, by
 * the metrics' names. A metric that is not named says nothing.
 */
export interface Story {
  readonly bad: Readonly<Record<string, number>>;
  readonly good: Readonly<Record<string, number>>;
  /** Whether good times have to come first, because what never began cannot be missed. */
  readonly afterGood?: true;
  /** Minutes from one look to the next, where the alarm looks at days. @default 1 */
  readonly stepMinutes?: number;
}

/** Kind of alarm, which ends the alarm's name but for the part of the pipeline → its story. */
export const STORIES: Readonly<Record<string, Story>> = {
  FailedExecutions: {
    bad: { Outcomes: 1, ExecutionsFailed: 1, ExecutionsTimedOut: 1, ExecutionsAborted: 1 },
    good: {},
  },
  SlowExecutions: { bad: { Duration: 3_600_000 }, good: { Duration: 1000 } },
  FewFiles: { bad: {}, good: { FilesReceived: 1000 } },
  NoFiles: { bad: {}, good: { FilesReceived: 1 } },
  RejectedFiles: { bad: { ObjectiveFiles: 100, Outcomes: 99 }, good: { ObjectiveFiles: 10_000 } },
  CostPerGb: {
    bad: { EstimatedCostUsd: 100, BytesFinished: 1e6 },
    good: { EstimatedCostUsd: 1, BytesFinished: 1e15 },
  },
  NotFresh: { bad: {}, good: { Outcomes: 1 }, afterGood: true, stepMinutes: 480 },
  StaleTickets: { bad: {}, good: { TicketsFetched: 1 }, afterGood: true, stepMinutes: 60 },
  UnusualRows: { bad: { RowsAccepted: 1e8 }, good: { RowsAccepted: 1 }, stepMinutes: 480 },
  QuarantinedRows: {
    bad: { RowsRead: 10_000, RowsQuarantined: 5_000 },
    good: { RowsRead: 1e7, RowsQuarantined: 0 },
  },
  QueueAge: { bad: { ApproximateAgeOfOldestMessage: 100_000 }, good: {} },
  // Told by the queue itself, where the test puts a message.
  DeadLetters: { bad: {}, good: {} },
  Throttled: {
    bad: {
      Throttles: 1,
      ExecutionThrottled: 1,
      ReadThrottleEvents: 1,
      WriteThrottleEvents: 1,
      Throttled: 1000,
    },
    good: {},
  },
  WebhookRefuses: { bad: { Count: 100, '4xx': 90 }, good: { Count: 100, '4xx': 1 } },
  WebhookFails: { bad: { '5xx': 5 }, good: {} },
  DeskFails: { bad: { DeskFailures: 1 }, good: {} },
  SpendCeiling: { bad: { SpendCeilingReached: 1 }, good: {} },
  Unaccounted: { bad: { Unaccounted: 1 }, good: { Unaccounted: 0 } },
  NoReconciliation: { bad: {}, good: { Unaccounted: 0 }, afterGood: true },
  FailsOnPurpose: { bad: { Outcomes: 1 }, good: {} },
  NotPassed: { bad: { CanaryPassed: 0 }, good: { CanaryPassed: 1 } },
  NotRun: { bad: {}, good: { CanaryPassed: 1 }, afterGood: true },
  // All speeds at once: what is good enough to end one alarm stays in the longer windows of the others.
  BudgetBurns: {
    bad: { ObjectiveFiles: 10, ObjectiveMet: 0 },
    good: { ObjectiveFiles: 1e6, ObjectiveMet: 1e6 },
  },
  NoSuccess: { bad: { FilesReceived: 1 }, good: { Outcomes: 1 } },
};

/** A configuration that has every alarm, with the shortest windows. */
export const EVERY_ALARM = {
  'crm.enabled': true,
  'alarms.minFilesPerDay': 100,
  'alarms.silentHours': 1,
  'alarms.freshnessHours': 1,
  'spend.dailyOcrUsd': 10,
  'reconciliation.everyHours': 1,
  'canary.everyHours': 1,
};

/** The kind of an alarm, by its name or logical id. */
export const kindOf = (name: string): string | undefined =>
  Object.keys(STORIES).find((kind) => name.includes(kind));

import { z } from 'zod';
import { numeric, operation } from '../operation.ts';
import { AwsError, type Operations, type Provision, type RuntimeContext } from '../service.ts';
import type { Job, Jobs } from './jobs.ts';
import type { JobRun } from './run-store.ts';

const Text = z.record(z.string(), z.coerce.string());

/** Strict: what has no effect here is refused rather than ignored. */
const Start = z.strictObject({
  JobName: z.string(),
  Arguments: Text.default({}),
  Timeout: numeric.optional(),
  WorkerType: z.string().optional(),
  NumberOfWorkers: numeric.optional(),
  ExecutionClass: z.enum(['STANDARD', 'FLEX']).optional(),
});
const Named = z.object({ JobName: z.string() });

const JobProperties = z.object({
  Name: z.string().optional(),
  Description: z.string().default(''),
  Role: z.string().regex(/^arn:/),
  Command: z.object({
    Name: z.literal('glueetl'),
    ScriptLocation: z.string(),
    PythonVersion: z.string().optional(),
  }),
  DefaultArguments: Text.default({}),
  GlueVersion: z.string(),
  WorkerType: z.string(),
  NumberOfWorkers: numeric,
  ExecutionClass: z.string().default('STANDARD'),
  // Glue's default since version 5.0: 480 minutes.
  Timeout: numeric.default(480),
  MaxRetries: numeric.default(0),
  Tags: Text.default({}),
  ExecutionProperty: z.object({ MaxConcurrentRuns: numeric.default(1) }).default({ MaxConcurrentRuns: 1 }),
});

/** Flexible runs take only these (Glue guide, "Flexible execution"). */
const FLEX_WORKERS = ['G.1X', 'G.2X'];
/** DPUs of a worker, by its type. */
const DPUS: Readonly<Record<string, number>> = { 'G.1X': 1, 'G.2X': 2, 'G.4X': 4, 'G.8X': 8 };

export function provisionJob(context: RuntimeContext, jobs: Jobs): Provision {
  return ({ properties, generatedName }) => {
    const job = JobProperties.parse(properties);
    const name = job.Name ?? generatedName;
    jobs.define({
      name,
      description: job.Description,
      roleArn: job.Role,
      command: job.Command,
      defaultArguments: job.DefaultArguments,
      glueVersion: job.GlueVersion,
      workerType: job.WorkerType,
      workers: job.NumberOfWorkers,
      executionClass: job.ExecutionClass,
      timeout: job.Timeout,
      maxRetries: job.MaxRetries,
      maxConcurrentRuns: job.ExecutionProperty.MaxConcurrentRuns,
      createdOn: context.clock.now(),
      tags: job.Tags,
    });
    return { ref: name, attributes: {} };
  };
}

export function jobOperations(context: RuntimeContext, jobs: Jobs): Operations {
  const arn = (name: string) => [`arn:aws:glue:${context.region}:${context.account}:job/${name}`];
  const resources = ({ JobName }: { JobName: string }) => arn(JobName);
  return {
    StartJobRun: operation(
      Start,
      {
        resources,
        handle(input) {
          const job = jobs.job(input.JobName);
          checkWorkers(job, input);
          const run = jobs.start(input.JobName, {
            arguments: input.Arguments,
            timeout: input.Timeout,
            workerType: input.WorkerType,
            workers: input.NumberOfWorkers,
            executionClass: input.ExecutionClass,
          });
          return { JobRunId: run.id };
        },
      },
      'InvalidInputException',
    ),
    GetJobRun: operation(Named.extend({ RunId: z.string() }), {
      resources,
      handle: ({ JobName, RunId }) => ({ JobRun: shownRun(jobs.run(JobName, RunId)) }),
    }),
    GetJobRuns: operation(
      Named.extend({ MaxResults: numeric.default(200), NextToken: z.string().optional() }),
      {
        resources,
        handle({ JobName, MaxResults, NextToken }) {
          const from = Number(NextToken ?? 0);
          const runs = jobs.runs(JobName);
          return {
            JobRuns: runs.slice(from, from + MaxResults).map(shownRun),
            ...(runs.length > from + MaxResults && { NextToken: String(from + MaxResults) }),
          };
        },
      },
    ),
    BatchStopJobRun: operation(Named.extend({ JobRunIds: z.array(z.string()).min(1).max(25) }), {
      resources,
      handle({ JobName, JobRunIds }) {
        const asked = JobRunIds.map((JobRunId) => {
          try {
            jobs.stop(JobName, JobRunId);
            return { JobName, JobRunId };
          } catch (error) {
            if (!(error instanceof AwsError)) throw error;
            return {
              JobName,
              JobRunId,
              ErrorDetail: { ErrorCode: error.code, ErrorMessage: error.message },
            };
          }
        });
        return {
          SuccessfulSubmissions: asked.filter((answer) => !('ErrorDetail' in answer)),
          Errors: asked.filter((answer) => 'ErrorDetail' in answer),
        };
      },
    }),
    ListJobs: operation(z.object({ Tags: Text.default({}) }), {
      resources: () => ['*'],
      handle: ({ Tags }) => ({ JobNames: jobs.named(Tags) }),
    }),
    GetJob: operation(Named, {
      resources,
      handle: ({ JobName }) => ({ Job: shownJob(jobs.job(JobName)) }),
    }),
  };
}

function checkWorkers(job: Job, input: z.output<typeof Start>): void {
  const type = input.WorkerType ?? job.workerType;
  const problem =
    (input.WorkerType === undefined) !== (input.NumberOfWorkers === undefined)
      ? 'WorkerType and NumberOfWorkers are given together.'
      : input.ExecutionClass === 'FLEX' && !FLEX_WORKERS.includes(type)
        ? `ExecutionClass FLEX takes workers of type ${FLEX_WORKERS.join(' and ')} only.`
        : (input.NumberOfWorkers ?? job.workers) < 2
          ? 'Number of workers must be at least 2.'
          : undefined;
  if (problem) throw new AwsError('InvalidInputException', problem);
}

/** A run as GetJobRun shows it. */
function shownRun(run: JobRun) {
  const capacity = (DPUS[run.workerType] ?? 1) * run.workers;
  return {
    Id: run.id,
    Attempt: 0,
    JobName: run.job,
    StartedOn: run.startedOn / 1000,
    LastModifiedOn: run.modifiedOn / 1000,
    ...(run.completedOn !== undefined && { CompletedOn: run.completedOn / 1000 }),
    JobRunState: run.state,
    Arguments: run.arguments,
    ...(run.errorMessage !== undefined && { ErrorMessage: run.errorMessage }),
    PredecessorRuns: [],
    AllocatedCapacity: capacity,
    ExecutionTime: Math.round(((run.completedOn ?? run.startedOn) - run.startedOn) / 1000),
    Timeout: run.timeout,
    MaxCapacity: capacity,
    WorkerType: run.workerType,
    NumberOfWorkers: run.workers,
    LogGroupName: run.logGroup,
    GlueVersion: run.glueVersion,
    ExecutionClass: run.executionClass,
  };
}

function shownJob(job: Job) {
  return {
    Name: job.name,
    Description: job.description,
    Role: job.roleArn,
    CreatedOn: job.createdOn / 1000,
    LastModifiedOn: job.createdOn / 1000,
    ExecutionProperty: { MaxConcurrentRuns: job.maxConcurrentRuns },
    Command: job.command,
    DefaultArguments: job.defaultArguments,
    MaxRetries: job.maxRetries,
    Timeout: job.timeout,
    WorkerType: job.workerType,
    NumberOfWorkers: job.workers,
    GlueVersion: job.glueVersion,
    ExecutionClass: job.executionClass,
  };
}

import type { Clock } from '../clock.ts';

/** Who makes a call. Requests signed with an unknown key are the account's administrator. */
export type Caller =
  | { readonly kind: 'administrator' }
  /** A function or state machine acting with its role; `roleArn` is the role, `sessionName` the function or execution. */
  | { readonly kind: 'role'; readonly roleArn: string; readonly sessionName: string }
  /** An AWS service acting for a resource, such as `s3.amazonaws.com` for a bucket. */
  | { readonly kind: 'service'; readonly service: string; readonly sourceArn?: string };

export interface HttpRequest {
  readonly method: string;
  /** Path as sent, still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly caller: Caller;
  /** Stands around the work once its API action is known, where something may go wrong with it. */
  readonly around?: <Output>(operation: string, work: () => Promise<Output>) => Promise<Output>;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array | NodeJS.ReadableStream;
}

/** An error as an AWS service answers it: `code` is the exception's name, `message` a sentence. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  /** More members of the modelled error shape, for example `Item` or `CancellationReasons`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { status?: number; members?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = code;
    this.code = code;
    this.status = options.status ?? 400;
    this.members = options.members ?? {};
  }
}

/** An input or output of an operation, in the shape of the service's API reference (PascalCase members or as modelled). */
export type Shape = Record<string, unknown>;

export interface OperationCall {
  readonly caller: Caller;
  /** Aborted when the client hangs up or the runtime stops. */
  readonly signal?: AbortSignal;
}

/** One API action: what it needs permission for, and what it does. */
export interface Operation {
  /** IAM action; default `<iamPrefix>:<operation name>`. `null` for actions that need no permission (sts:GetCallerIdentity). */
  readonly action?: string | null;
  /** ARNs that the action is authorised on; default `['*']`. Throws AwsError when the input names nothing that exists. */
  resources?(input: Shape): string[];
  /** Condition keys beyond the global ones, for example `{'s3:prefix': 'x'}`. */
  conditions?(input: Shape): Record<string, string | string[]>;
  handle(input: Shape, call: OperationCall): Promise<Shape> | Shape;
}

export type Operations = Readonly<Record<string, Operation>>;

/** A resource of a template with its properties resolved: no intrinsic functions remain. */
export interface ResourceRequest {
  readonly type: string;
  readonly logicalId: string;
  readonly constructPath: string;
  readonly stackName: string;
  /** A stable name in the style of CloudFormation, `<stack>-<logical id>-<12 hex digits>`, used where the template names none. */
  readonly generatedName: string;
  readonly properties: Shape;
}

export interface ProvisionedResource {
  /** What `Ref` returns. */
  readonly ref: string;
  /** What `Fn::GetAtt` returns, by attribute name; nested names keep their dots (`Endpoint.Address`). */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/**
 * Makes a resource real. Called at every start with the resource's resolved properties: it creates what is missing and
 * updates what differs, and leaves data alone.
 */
export type Provision = (resource: ResourceRequest) => Promise<ProvisionedResource> | ProvisionedResource;

/** A part of AWS. Exactly one of `operations` (JSON and query protocols) and `http` (REST protocols) answers requests. */
export interface LocalService {
  /** SigV4 service names that are routed here, for example `['states']`. */
  readonly signingNames: readonly string[];
  /** Prefix of its IAM actions, for example `states`. */
  readonly iamPrefix: string;
  /** API actions by name. Also how other services call this one in process. */
  readonly operations?: Operations;
  /** Answers a raw HTTP request; authorises by itself through `RuntimeContext.authorize`. */
  readonly http?: (request: HttpRequest) => Promise<HttpResponse>;
  /** CloudFormation resource types this service provisions. */
  readonly resources?: Readonly<Record<string, Provision>>;
  /** Called once after every resource is provisioned: resume executions, start polling, arm schedules. */
  start?(): Promise<void> | void;
  /** Stops polling and closes what is open; after it nothing of the service runs. */
  stop?(): Promise<void> | void;
  /** Called once every service has stopped: closes what others may have needed until then. */
  close?(): void;
}

/** An event on the default bus, as EventBridge delivers it. */
export interface BusEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: Shape;
  readonly resources?: readonly string[];
  /** ISO time; default now. */
  readonly time?: string;
}

export interface AuthorizationRequest {
  readonly caller: Caller;
  /** For example `s3:GetObject`. */
  readonly action: string;
  readonly resource: string;
  /** Condition keys, for example `{ 'aws:SourceArn': '…', 'aws:SecureTransport': 'true' }`. */
  readonly conditions?: Readonly<Record<string, string | string[]>>;
}

/** What the runtime gives to every service. */
export interface RuntimeContext {
  readonly clock: Clock;
  /** Twelve digits. */
  readonly account: string;
  readonly region: string;
  /** Directory of this runtime's state; a service keeps its own below `<dataDir>/<service>`. */
  readonly dataDir: string;
  /** Base address of the endpoint, `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  /** Throws AwsError `AccessDenied…` naming role, action and resource where the policies do not allow the call. */
  authorize(request: AuthorizationRequest): void;
  /**
   * Calls an API action in process, authorised as `caller`; the way one service uses another.
   * @param service signing name, for example `sqs`
   * @throws AwsError as the service answers it
   */
  call(
    service: string,
    operation: string,
    input: Shape,
    caller: Caller,
    signal?: AbortSignal,
  ): Promise<Shape>;
  /** Puts an event of AWS itself (S3, Step Functions, CloudWatch …) on the default bus. */
  emit(event: BusEvent): void;
  /** Registers an identity's or a resource's policies, by ARN; called by provisioners. Policies are IAM policy documents. */
  readonly policies: PolicyStore;
  /** Credentials (environment variables of the SDK) that act as the role. */
  credentialsFor(
    roleArn: string,
    sessionName: string,
  ): { accessKeyId: string; secretAccessKey: string; sessionToken: string };
  /** Adds to a metric of the account, as the AWS service itself publishes it (for example AWS/SQS). */
  metric(datum: {
    namespace: string;
    name: string;
    dimensions: Record<string, string>;
    value: number;
    unit?: string;
  }): void;
  /** Appends to a log stream in CloudWatch Logs. `message` is one line. */
  log(group: string, stream: string, message: string): void;
  /** Says something to the person who runs the runtime (standard error). */
  warn(message: string): void;
}

export interface PolicyStore {
  setRolePolicy(roleArn: string, policyName: string, document: Shape): void;
  setRoleTrust(roleArn: string, document: Shape): void;
  setResourcePolicy(resourceArn: string, document: Shape): void;
}

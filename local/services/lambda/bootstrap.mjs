// Runs inside the child process of an execution environment: loads the function's handler and calls it for each event.
// Events arrive over the IPC channel. Answers leave on standard output, between the log lines and marked by a NUL, so
// that a line a handler wrote never arrives after its invocation has ended. Plain JavaScript: it is on the way of every
// cold start.
import { existsSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, types } from 'node:util';

const { env } = process;
const compileCache = env.MILLRACE_COMPILE_CACHE;
delete env.MILLRACE_COMPILE_CACHE;
if (compileCache) enableCompileCache(compileCache);

/** Responses may not be larger, in bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_RESPONSE = 6 * 1024 * 1024 + 100;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

const write = process.stdout.write.bind(process.stdout);
// One stream keeps the order of what was written to two.
process.stderr.write = (...args) => process.stdout.write(...args);
process.send = undefined;

let requestId;

function answer(frame) {
  write(`\0${JSON.stringify({ ...frame, requestId, memory: process.memoryUsage.rss() })}\n`);
}

function failure(error) {
  return types.isNativeError(error) || error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function named(name, message, cause) {
  const error = new Error(message, { cause });
  error.name = name;
  return error;
}

/** Console lines carry time, request and level as on Lambda; line ends become returns, for one call is one log event. */
function textLine(level, args) {
  const message = format(...args).replaceAll('\n', '\r');
  return `${new Date().toISOString()}\t${requestId ?? 'undefined'}\t${level}\t${message}\n`;
}

function jsonLine(level, args) {
  const [first] = args;
  const error = args.find((arg) => types.isNativeError(arg));
  return `${JSON.stringify({
    timestamp: new Date().toISOString(),
    level,
    requestId,
    message: args.length === 1 && typeof first === 'object' && !error ? first : format(...args),
    ...(error && {
      errorType: error.name,
      errorMessage: error.message,
      stackTrace: (error.stack ?? '').split('\n').slice(1),
    }),
  })}\n`;
}

function patchConsole() {
  const isJson = env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
  const line = isJson ? jsonLine : textLine;
  const least = isJson ? Math.max(0, LEVELS.indexOf(env.AWS_LAMBDA_LOG_LEVEL ?? 'TRACE')) : 0;
  for (const [index, level] of LEVELS.entries()) {
    console[level.toLowerCase()] = (...args) => {
      if (index >= least) process.stdout.write(line(level, args));
    };
  }
  console.log = console.info;
}

async function loadHandler() {
  const specification = env._HANDLER ?? '';
  const [, file, path] = /^([^.]+)\.(.+)$/.exec(basename(specification)) ?? [];
  if (!file) throw named('Runtime.MalformedHandlerName', `Bad handler ${specification}`);
  const stem = join(env.LAMBDA_TASK_ROOT, dirname(specification), file);
  const found = ['', '.js', '.mjs', '.cjs']
    .map((extension) => stem + extension)
    .find((name) => existsSync(name));
  if (!found) throw named('Runtime.ImportModuleError', `Error: Cannot find module '${file}'`);
  const module = await import(pathToFileURL(found).href).catch((error) => {
    if (error instanceof SyntaxError)
      throw named('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`, error);
    if (error?.code === 'ERR_MODULE_NOT_FOUND')
      throw named('Runtime.ImportModuleError', `Error: ${error.message}`, error);
    throw error;
  });
  const handler = path.split('.').reduce((value, name) => value?.[name] ?? value?.default?.[name], module);
  if (typeof handler !== 'function') {
    throw named('Runtime.HandlerNotFound', `${specification} is undefined or not exported`);
  }
  if (handler.length > 2) {
    throw named(
      'Runtime.CallbackHandlerDeprecated',
      `${specification} takes a callback; Node.js 24 on Lambda has none`,
    );
  }
  return handler;
}

let ahead = 0;
const machineNow = Date.now;

/** Lets the function live in the time of a runtime whose clock has jumped; every other function keeps its own Date. */
function followClock(ms) {
  if (ms === ahead) return;
  if (ahead === 0) {
    globalThis.Date = new Proxy(Date, {
      construct: (target, given, newTarget) =>
        Reflect.construct(target, given.length > 0 ? given : [target.now()], newTarget),
    });
    Date.now = () => machineNow() + ahead;
  }
  ahead = ms;
}

async function invoke(handler, invocation) {
  followClock(invocation.ahead);
  const deadline = Date.now() + invocation.timeoutMs;
  requestId = invocation.requestId;
  env._X_AMZN_TRACE_ID = invocation.traceId;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: invocation.functionArn,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: requestId,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: invocation.clientContext,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const payload = JSON.stringify(await handler(JSON.parse(invocation.payload), context)) ?? 'null';
    if (Buffer.byteLength(payload) > MAX_RESPONSE) {
      throw named(
        'Function.ResponseSizeTooLarge',
        `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`,
      );
    }
    answer({ kind: 'response', payload });
  } catch (error) {
    const described = failure(error);
    process.stdout.write(textLine('ERROR', ['Invoke Error ', JSON.stringify(described)]));
    answer({ kind: 'error', payload: JSON.stringify(described) });
  }
}

function crash(label, error) {
  const described = failure(error);
  process.stdout.write(textLine('ERROR', [`${label} `, JSON.stringify(described)]));
  answer({ kind: 'fatal', payload: JSON.stringify(described) });
  process.exit(129);
}

patchConsole();
// The parent is gone, or done with this environment.
process.on('disconnect', () => process.exit());
process.on('uncaughtException', (error) => crash('Uncaught Exception', error));
process.on('unhandledRejection', (reason) =>
  crash('Unhandled Promise Rejection', named('Runtime.UnhandledPromiseRejection', String(reason), reason)),
);

try {
  const handler = await loadHandler();
  process.on('message', (invocation) => void invoke(handler, invocation));
  answer({ kind: 'ready', payload: '' });
  if (compileCache) flushCompileCache();
} catch (error) {
  crash('Init Error', error);
}

import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './config.ts';

/** OpenTelemetry's number of each severity (ojs-logging §5.4). */
const severityNumbers: Readonly<Record<string, number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
};

const ofJob: ReadonlySet<string> = new Set([
  'job_id',
  'job_type',
  'queue',
  'attempt',
  'state',
  'worker_id',
  'workflow_id',
]);
const ofTrace: ReadonlySet<string> = new Set(['trace_id', 'span_id']);
const maxCauses = 5;

/**
 * The log of a server: lines of JSON in the shape of ojs-logging §5, by default on standard error. Who writes a line
 * gives a name to each field; the names say where a field goes.
 */
export function serverLog(level: LogLevel | false, to: DestinationStream = pino.destination(2)): Logger {
  return pino(
    {
      level: level === false ? 'silent' : level,
      base: { component: 'server' },
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ severity: label.toUpperCase(), severity_number: severityNumbers[label] }),
        log: recordOf,
      },
      hooks: { streamWrite: (line) => line.replace(steering, escaped) },
    },
    to,
  );
}

/**
 * Characters that JSON leaves unchanged in a string, and a terminal takes for a command: C1 characters, marks of
 * direction, separators of lines. Messages of jobs' errors are in lines of the log.
 */
const steering = /[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

function escaped(one: string): string {
  return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function recordOf(fields: object): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  const ojs: Record<string, unknown> = {};
  const trace: Record<string, unknown> = {};
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue;
    if (name === 'category') record.category = value;
    else if (name === 'err') record.error = errorOf(value);
    else if (name === 'error') record.error = value;
    else if (ofJob.has(name)) ojs[name] = value;
    else if (ofTrace.has(name)) trace[name] = value;
    else attributes[name] = value;
  }
  if (Object.keys(ojs).length > 0) record.ojs = ojs;
  if (Object.keys(trace).length > 0) record.trace = trace;
  record.attributes = attributes;
  return record;
}

/**
 * Only what every error has: drivers add the parameters of a statement to theirs, which are arguments of jobs, and
 * connection strings with passwords.
 */
function errorOf(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { name, message, stack, cause } = error;
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return {
    type: name,
    message,
    ...code,
    ...(stack !== undefined && { backtrace: stack }),
    // An error may be the cause of its cause.
    ...(cause !== undefined && depth < maxCauses && { cause: errorOf(cause, depth + 1) }),
  };
}

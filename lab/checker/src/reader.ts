import { type HistoryRecord, states } from './records.ts';

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const listOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const oneOf =
  (...names: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && names.includes(value);
const state = oneOf(...states);

type Members = Readonly<Record<string, Check>>;
const object =
  (members: Members): Check =>
  (value) =>
    isObject(value) && missing(value, members) === undefined;

const job: Members = { id: text, queue: text };

/** The members that a record of each kind must have. */
const kinds: Readonly<Record<string, Members>> = {
  config: {},
  call: { call: number, node: text, op: text },
  answer: { call: number, outcome: oneOf('done', 'refused', 'unknown') },
  clock: { jumpMs: number },
  loss: { node: text },
  event: { subscriber: text, position: number },
  subscribe: { subscriber: text, after: number },
  log: { position: number },
  deadline: { job: text, by: number, what: oneOf('claim', 'end'), why: text },
  calm: {},
  step: { what: oneOf('ran', 'resolved', 'won'), job: text, lease: text, name: text },
  row: { job: text, name: text, state: text },
  effect: { job: text, name: text },
  job: { ...job, state },
  counts: { queue: text, states: isObject },
  complete: {},
};

/** The members that a call of each operation must have besides. */
const operations: Readonly<Record<string, Members>> = {
  enqueue: { jobs: listOf(object(job)) },
  fetch: { queues: listOf(text) },
  renew: { leases: listOf(text) },
  ack: { job: text },
  nack: { job: text },
  record: { job: text, lease: text, steps: listOf(object({ name: text, state: text })) },
  cancel: { job: text },
  discard: { job: text },
  retry: { job: text },
  activate: { job: text },
  remove: {},
  release: {},
  pause: { queue: text },
  resume: { queue: text },
  workflow: { workflow: text, nodes: listOf(object({ node: text, after: listOf(text) })) },
  cron: { cron: text, ticks: listOf(text) },
};

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function missing(value: Readonly<Record<string, unknown>>, members: Members): string | undefined {
  return Object.keys(members).find((name) => members[name]?.(value[name]) !== true);
}

/** What is wrong with a record, or undefined. */
function fault(value: unknown): string | undefined {
  if (!isObject(value)) return 'a record is a JSON object';
  if (!number(value.at)) return '`at` must be a number of milliseconds';
  const members = kinds[String(value.kind)];
  if (members === undefined) return `\`kind\` must be one of ${Object.keys(kinds).join(', ')}`;
  const wrong = missing(value, members);
  if (wrong !== undefined) return `\`${wrong}\` of a record \`${value.kind}\` is missing or of the wrong form`;
  if (value.kind !== 'call') return undefined;
  const ofOperation = operations[String(value.op)];
  if (ofOperation === undefined) return `\`op\` must be one of ${Object.keys(operations).join(', ')}`;
  const wrongOfCall = missing(value, ofOperation);
  if (wrongOfCall !== undefined)
    return `\`${wrongOfCall}\` of the call \`${value.op}\` is missing or of the wrong form`;
  return undefined;
}

function isRecord(value: unknown): value is HistoryRecord {
  return fault(value) === undefined;
}

/**
 * Reads a history from its lines; empty ones are skipped.
 * @throws {SyntaxError} a line is not JSON, lacks a member, or is earlier than the one before; names the line
 */
export function* read(lines: Iterable<string>): Generator<HistoryRecord> {
  let number = 0;
  let at = Number.NEGATIVE_INFINITY;
  for (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    const value = parse(line, number);
    if (!isRecord(value)) throw new SyntaxError(`history, line ${number}: ${fault(value)}`);
    if (value.at < at) throw new SyntaxError(`history, line ${number}: \`at\` is ${value.at}, before ${at}`);
    at = value.at;
    yield value;
  }
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new SyntaxError(`history, line ${number}: not JSON`);
  }
}

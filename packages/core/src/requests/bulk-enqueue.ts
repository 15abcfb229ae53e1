/** Enqueueing many jobs, for the server and the fake of `@ojs-ts/sdk/testing`. */
import {
  type Asked,
  asSentMembers,
  bulkStatus,
  duplicateId,
  errorMember,
  refusedBy,
  replacement,
  summary,
} from '../answers.ts';
import { type ReadEnvelope, readParsedEnvelope } from '../envelope/envelope.ts';
import { renderJob } from '../envelope/render.ts';
import type { Warning } from '../envelope/unknown-members.ts';
import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import { type Element, readListObject } from '../json/json.ts';
import { isAsSent, type Pushed } from '../push.ts';
import { type Answered, ask, run, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import type { Fields } from './fields.ts';
import { limitBatch } from './filters.ts';
import type { PlainReply } from './reply.ts';

/** The warning about an unknown member, or a sentence of a schema in the mode `warn`. */
export type Warnings = readonly (Warning | string)[];

/** POST /jobs/bulk (ojs-bulk-operations §5). */
export interface BulkRequest {
  readonly atomicity: 'partial' | 'atomic';
  /**
   * The form of the jobs in the items. `minimal` leaves out the items of jobs that were kept as sent, and has whole
   * envelopes of all others: clients that merge calls need no more.
   */
  readonly answer: 'summary' | 'job' | 'minimal';
  /**
   * True if the jobs are those of single calls that a client has merged. This is no bulk operation of anybody, so it
   * has no event. The answer says how many such requests the client should have in flight.
   */
  readonly merged: boolean;
  /** The envelopes. */
  readonly texts: readonly Element[];
  /** The same, parsed. */
  readonly values: readonly unknown[];
}

/** @throws ProtocolError `invalid_request`, `batch_size_exceeded` */
export function readBulkRequest(fields: Fields, text: Json): BulkRequest {
  const atomicity = fields.string('atomicity') ?? 'partial';
  if (atomicity !== 'partial' && atomicity !== 'atomic') fields.issue('atomicity', 'must be partial or atomic');
  const wanted = fields.string('return');
  const answer = wanted === 'job' || wanted === 'minimal' ? wanted : 'summary';
  const merged = fields.boolean('x_merged') ?? false;
  const jobs = fields.raw('jobs');
  limitBatch(jobs);
  if (!Array.isArray(jobs) || jobs.length === 0) fields.issue('jobs', 'must be an array of at least one envelope');
  fields.done();
  const values: readonly unknown[] = Array.isArray(jobs) ? jobs : [];
  const texts = readListObject(text, 'jobs').elements;
  return { atomicity: atomicity === 'atomic' ? 'atomic' : 'partial', answer, merged, texts, values };
}

/** The outcome of one job of a bulk enqueue. */
export interface BulkEnqueued {
  readonly status: 'created' | 'deduplicated' | 'duplicate' | 'failed';
  /** The new one, or the one that exists in its place. */
  readonly job: JobRecord | null;
  /** True if the request has all of the job, including its id. */
  readonly asSent: boolean;
  readonly fault: ProtocolError | null;
  /** Members of the answer about the effect of its unique policy, each with a comma before it. */
  readonly more: Json;
  readonly warnings: Warnings;
}

/**
 * An item before it is enqueued. `own` ids are the call's: a job that has one already was put there by an earlier try
 * of the same call.
 */
type Readable = Enqueueable | { readonly fault: ProtocolError };

interface Enqueueable {
  readonly envelope: ReadEnvelope;
  readonly own: boolean;
  readonly warnings: Warnings;
}

/** The parts of a server that a bulk enqueue uses. */
export interface BulkEnqueueParts {
  readonly now: Millis;
  /** The moment from which relative times count; `now` by default. */
  readonly latest?: Millis;
  newId(): JobId;
  /** A call with an idempotency key owns all of its ids. */
  readonly keyed: boolean;
  /** Refuses an envelope, or warns of it. */
  check(read: ReadEnvelope): Answered<Warnings>;
  /** All or none of them. */
  push(items: readonly ReadEnvelope[]): Answered<Pushed>;
  /** Each by itself, in their order. */
  pushEach(items: readonly ReadEnvelope[]): Answered<readonly PromiseSettledResult<Pushed>[]>;
  /** The item's fault for what the store threw. */
  faultOf(error: unknown): ProtocolError;
}

export function enqueueMany(request: BulkRequest, parts: BulkEnqueueParts): Answered<readonly BulkEnqueued[]> {
  return run(enqueueing(request, parts));
}

function* enqueueing(request: BulkRequest, parts: BulkEnqueueParts): Steps<readonly BulkEnqueued[]> {
  const items = yield* readItems(request, parts);
  return yield* request.atomicity === 'atomic' ? enqueueAll(items, parts) : enqueueEach(items, parts);
}

/** Reads every item, whatever is wrong with others; an id that comes twice is wrong the second time. */
function* readItems(
  { texts, values }: BulkRequest,
  { now, latest = now, newId, keyed, check }: BulkEnqueueParts,
): Steps<readonly Readable[]> {
  const seen = new Set<string>();
  const items: Readable[] = [];
  for (const [index, { text, members }] of texts.entries()) {
    try {
      const at = `$.jobs[${index}]`;
      const envelope = readParsedEnvelope(text, values[index], now, newId, { at, latest, members, fresh: !keyed });
      const { id } = envelope.job;
      if (seen.has(id)) throw duplicateId(id, index, 'twice in this batch');
      seen.add(id);
      const checked = check(envelope);
      const warnings = checked instanceof Promise ? yield* ask(checked) : checked;
      items.push({ envelope, own: !envelope.named || keyed, warnings });
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.kind.status >= 500) throw error;
      items.push({ fault: error });
    }
  }
  return items;
}

/** Each job by itself (ojs-bulk-operations §5.3, `partial`). */
function* enqueueEach(
  items: readonly Readable[],
  { pushEach, faultOf }: BulkEnqueueParts,
): Steps<readonly BulkEnqueued[]> {
  const readable = items.flatMap((item) => ('fault' in item ? [] : [item.envelope]));
  const pushed = (readable.length === 0 ? [] : yield* ask(pushEach(readable))).values();
  return items.map((item, index) => {
    if ('fault' in item) return failed(item.fault);
    const { value: one } = pushed.next();
    if (one?.status === 'fulfilled') return outcome(one.value, item, index);
    return failed(faultOf(one?.reason ?? new Error('A push of some jobs was answered with fewer.')));
  });
}

/** All or none (`atomic`): if one is refused, the others are refused because of it. */
function* enqueueAll(items: readonly Readable[], { push }: BulkEnqueueParts): Steps<readonly BulkEnqueued[]> {
  const readable = items.flatMap((item) => ('fault' in item ? [] : [item]));
  if (readable.length < items.length)
    return items.map((item) => ('fault' in item ? failed(item.fault) : failed(aborted())));
  const pushed = yield* ask(push(readable.map(({ envelope }) => envelope)));
  const foreign = pushed.kind === 'repeated' && readable.some(({ own }) => !own);
  return readable.map((item, index) => {
    if (pushed.kind === 'refused') return index === pushed.index ? outcome(pushed, item, index) : failed(aborted());
    const job = pushed.items[index];
    if (job === undefined) throw new Error('A push was answered with fewer jobs than it had.');
    if (foreign && item.own) return failed(aborted());
    return outcome({ kind: pushed.kind, items: [job] }, item, index);
  });
}

function outcome(pushed: Pushed, { envelope, own, warnings }: Enqueueable, index: number): BulkEnqueued {
  if (pushed.kind === 'refused') {
    const fault = refusedBy(pushed.why, index);
    if (pushed.why.kind !== 'duplicate') return failed(fault);
    return { status: 'duplicate', job: pushed.why.existing, asSent: false, fault, more: '', warnings: [] };
  }
  const [item] = pushed.items;
  if (item === undefined)
    throw new Error(
      'The storage answered the enqueue of one job with no job. ' +
        'This is a bug of ojs-ts: please report it with this log line.',
    );
  const { job } = item;
  const more = replacement(item);
  const asSent = envelope.named && pushed.kind === 'pushed' && warnings.length === 0 && isAsSent(item);
  const done = { job, asSent, fault: null, more, warnings };
  if (item.kind === 'deduplicated') return { status: 'deduplicated', ...done };
  if (pushed.kind !== 'repeated' || own) return { status: 'created', ...done };
  const fault = duplicateId(job.id, index, 'there already', job);
  return { status: 'duplicate', job, asSent, fault, more: '', warnings: [] };
}

function failed(fault: ProtocolError): BulkEnqueued {
  return { status: 'failed', job: null, asSent: false, fault, more: '', warnings: [] };
}

function aborted(): ProtocolError {
  return new ProtocolError('batch_aborted', 'Another job of this atomic batch was refused; none was enqueued.');
}

/** The answer, and the data of its event. @param atOnce what the answer to merged calls says; 1 is left out. */
export function renderBulkEnqueued(
  items: readonly BulkEnqueued[],
  { atomicity, answer, merged }: BulkRequest,
  asked: Asked,
  now: Millis,
  atOnce: 1 | 2 = 1,
): { readonly reply: PlainReply; readonly data: Json } {
  const failures = items.filter(({ fault }) => fault !== null).length;
  const succeeded = items.length - failures;
  const sums = `"total":${items.length},"succeeded":${succeeded},"failed":${failures}`;
  const texts = items.flatMap(({ status, job, asSent, fault, more, warnings }, index) => {
    if (answer === 'minimal' && asSent) return [];
    let text = `{"index":${index},"status":"${status}"`;
    if (job !== null) text += `,"job":${answer === 'summary' ? summary(job) : renderJob(job, { now })}${more}`;
    if (fault !== null) text += `,${errorMember(fault, asked)}`;
    if (warnings.length > 0) text += `,"warnings":${JSON.stringify(warnings)}`;
    return [`${text}}`];
  });
  const first = answer === 'minimal' ? items.find(({ asSent }) => asSent)?.job : null;
  let rest = first ? `,${asSentMembers(items.length - texts.length, first.createdAt)}` : '';
  if (merged && atOnce === 2) rest += `,"x_at_once":${atOnce}`;
  const reply = {
    status: bulkStatus(succeeded, failures, 201),
    text: `{${sums}${rest},"items":[${texts.join(',')}]}`,
    headers: { 'x-ojs-batch-size': String(items.length) },
  };
  return { reply, data: `{${sums},"atomicity":"${atomicity}"}` };
}

import {
  bulkStatus,
  duplicateId,
  elements,
  errorMember,
  type JobRecord,
  type Json,
  type Millis,
  maxWarnings,
  members,
  ProtocolError,
  type Pushed,
  type ReadEnvelope,
  readEnvelope,
  refusedBy,
  renderJob,
  replacement,
  summary,
} from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import type { Fields } from '../fields.ts';
import { limitBatch } from '../filters.ts';
import type { Handler } from '../handler.ts';
import { Ids } from '../ids.ts';
import { pressureHeaders } from '../queues/queues.ts';
import { faultOf, isBroken, type Reply } from '../reply.ts';
import { checkEnvelopes } from '../schemas.ts';
import { warningsOf } from '../warnings.ts';
import { type Answered, repeatable } from './repeatable.ts';

type Warnings = NonNullable<Reply['warnings']>;

/** The outcome of one job of a bulk enqueue. */
interface Item {
  readonly status: 'created' | 'deduplicated' | 'duplicate' | 'failed';
  /** The new job, or the one that exists in its place. */
  readonly job: JobRecord | null;
  readonly fault: ProtocolError | null;
  /** Members of the answer about the effect of its unique policy, each with a comma before it. */
  readonly more: Json;
  readonly warnings: Warnings;
}

/**
 * An item before it is enqueued. `own` ids belong to this call: a job with such an id comes from an earlier attempt of
 * the same call.
 */
type Readable =
  | { readonly envelope: ReadEnvelope; readonly own: boolean; readonly warnings: Warnings }
  | { readonly fault: ProtocolError };

/** POST /jobs/bulk (ojs-bulk-operations §5). */
export const bulkEnqueue: Handler = (engine, request, _, failed) =>
  repeatable(engine, request, 'enqueue', failed, (fields, text) => {
    const atomicity = readAtomicity(fields);
    // Requests whole envelopes in the items; clients that merge calls need them.
    const whole = fields.string('return') === 'job';
    const jobs = fields.raw('jobs');
    limitBatch(jobs);
    if (!Array.isArray(jobs) || jobs.length === 0) fields.issue('jobs', 'must be an array of at least one envelope');
    fields.done();
    const texts = elements(members(text).get('jobs') ?? '[]');
    return async (repetition) => {
      const items = await readItems(
        engine,
        texts,
        new Ids(engine, repetition?.nonce ?? null),
        repetition !== null,
        request.strict,
      );
      const outcomes = atomicity === 'atomic' ? await enqueueAll(engine, items) : await enqueueEach(engine, items);
      return answer(engine, outcomes, atomicity, request.requestId, whole);
    };
  });

function readAtomicity(fields: Fields): 'partial' | 'atomic' {
  const atomicity = fields.string('atomicity') ?? 'partial';
  if (atomicity === 'partial' || atomicity === 'atomic') return atomicity;
  fields.issue('atomicity', 'must be partial or atomic');
  return 'partial';
}

async function answer(
  engine: Engine,
  outcomes: readonly Item[],
  atomicity: string,
  requestId: string,
  whole: boolean,
): Promise<Answered> {
  const faults = outcomes.flatMap(({ fault }) => fault ?? []);
  const [first] = faults;
  // Other errors are refusals of an item.
  if (first !== undefined && faults.length === outcomes.length && faults.every(isBroken)) throw first;
  const succeeded = outcomes.length - faults.length;
  const sums = `"total":${outcomes.length},"succeeded":${succeeded},"failed":${faults.length}`;
  await engine.bulk.writeEvent('bulk.enqueue.completed', requestId, `{${sums},"atomicity":"${atomicity}"}`);
  const created = outcomes.flatMap(({ status, job }) => (status === 'created' && job !== null ? [job] : []));
  const now = engine.clock.now();
  const reply = {
    status: bulkStatus(succeeded, faults.length, 201),
    text: `{${sums},"items":[${outcomes.map((item, index) => render(item, index, requestId, whole ? now : null)).join(',')}]}`,
    headers: { 'x-ojs-batch-size': String(outcomes.length), ...(await pressureHeaders(engine, created)) },
  };
  return { reply, final: !faults.some(isBroken) };
}

/** @param wholeAt the moment of the answer if the request asks for whole envelopes; null for short ones. */
function render(
  { status, job, fault, more, warnings }: Item,
  index: number,
  requestId: string,
  wholeAt: Millis | null,
): Json {
  let text = `{"index":${index},"status":"${status}"`;
  if (job !== null) text += `,"job":${wholeAt === null ? summary(job) : renderJob(job, { now: wholeAt })}${more}`;
  if (fault !== null) text += `,${errorMember(fault, requestId)}`;
  if (warnings.length > 0) text += `,"warnings":${JSON.stringify(warnings)}`;
  return `${text}}`;
}

/**
 * Reads every item, even if others are wrong; an id that occurs twice is wrong the second time. `keyed` calls own all
 * their ids.
 */
async function readItems(
  engine: Engine,
  texts: readonly Json[],
  ids: Ids,
  keyed: boolean,
  strict: boolean | undefined,
): Promise<readonly Readable[]> {
  const now = engine.clock.now();
  const seen = new Set<string>();
  const items: Readable[] = [];
  let left = maxWarnings;
  for (const [index, text] of texts.entries()) {
    try {
      let minted = false;
      const mint = () => {
        minted = true;
        return ids.next();
      };
      const envelope = readEnvelope(text, now, mint, `$.jobs[${index}]`);
      const { id } = envelope.job;
      if (seen.has(id)) throw duplicateId(id, index, 'twice in this batch');
      seen.add(id);
      const unknown = warningsOf(envelope.unknown.slice(0, left), strict);
      left -= unknown.length;
      items.push({
        envelope,
        own: minted || keyed,
        warnings: [...unknown, ...(await checkEnvelopes(engine, [envelope]))],
      });
    } catch (error) {
      const fault = faultOf(error);
      if (fault.kind.status >= 500) throw error;
      items.push({ fault });
    }
  }
  return items;
}

/**
 * Each job by itself (ojs-bulk-operations §5.3, `partial`). All start in one iteration of the event loop, so they share
 * a call of the storage, in their order.
 */
function enqueueEach(engine: Engine, items: readonly Readable[]): Promise<readonly Item[]> {
  return Promise.all(
    items.map(async (item, index) => {
      if ('fault' in item) return failed(item.fault);
      try {
        return outcome(await engine.push([item.envelope]), item.own, index, item.warnings);
      } catch (error) {
        return failed(faultOf(error));
      }
    }),
  );
}

/** All or none (`atomic`): if one is refused, the others are refused because of it. */
async function enqueueAll(engine: Engine, items: readonly Readable[]): Promise<readonly Item[]> {
  const readable = items.flatMap((item) => ('fault' in item ? [] : [item]));
  if (readable.length < items.length)
    return items.map((item) => ('fault' in item ? failed(item.fault) : failed(aborted())));
  const pushed = await engine.push(readable.map(({ envelope }) => envelope));
  const foreign = pushed.kind === 'repeated' && readable.some(({ own }) => !own);
  return readable.map(({ own, warnings }, index) => {
    if (pushed.kind === 'refused')
      return index === pushed.index ? outcome(pushed, own, index, warnings) : failed(aborted());
    const job = pushed.items[index];
    if (job === undefined) throw new Error('A push was answered with fewer jobs than it had.');
    if (foreign && own) return failed(aborted());
    return outcome({ kind: pushed.kind, items: [job] }, own, index, warnings);
  });
}

function outcome(pushed: Pushed, own: boolean, index: number, warnings: Warnings): Item {
  if (pushed.kind === 'refused') {
    const fault = refusedBy(pushed.why, index);
    if (pushed.why.kind !== 'duplicate') return failed(fault);
    return { status: 'duplicate', job: pushed.why.existing, fault, more: '', warnings: [] };
  }
  const [item] = pushed.items;
  if (item === undefined) throw new Error('A push of one job was answered without one.');
  const { job } = item;
  const more = replacement(item);
  if (item.kind === 'deduplicated') return { status: 'deduplicated', job, fault: null, more, warnings };
  if (pushed.kind !== 'repeated' || own) return { status: 'created', job, fault: null, more, warnings };
  return { status: 'duplicate', job, fault: duplicateId(job.id, index, 'there already', job), more: '', warnings: [] };
}

function failed(fault: ProtocolError): Item {
  return { status: 'failed', job: null, fault, more: '', warnings: [] };
}

function aborted(): ProtocolError {
  return new ProtocolError('batch_aborted', 'Another job of this atomic batch was refused; none was enqueued.');
}

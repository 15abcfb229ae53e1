import { unreadMail } from '../durable/mail.ts';
import { marking } from '../durable/marks.ts';
import { type NamedRow, namedRow, rowsOf } from '../durable/read-rows.ts';
import { recordSteps, type StepOwner, tallied } from '../durable/record.ts';
import { claimedSteps, fetchBytes, recordedStep, shownStep } from '../durable/render.ts';
import { hasSteps, mayHaveSteps, type StepRow, stepLimits, stepsKind, valuesKind } from '../durable/row.ts';
import type { SentStep } from '../durable/sent.ts';
import type { StepStore } from '../durable/store.ts';
import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import { type Leases, noClaim } from '../job/lease.ts';
import { missingJob } from '../job-store.ts';
import { elements, members, utf8Length } from '../json/json.ts';
import { Fields } from '../requests/fields.ts';
import { ok, type PlainReply } from '../requests/reply.ts';
import { readQuery } from '../schemas/requests.ts';
import { type Answered, ask, run, type Steps } from '../steps.ts';
import { isUuidv7 } from '../uuid.ts';
import { idOf, type Request } from './handler.ts';
import { readSteps } from './step-requests.ts';

interface Host {
  readonly steps: StepStore;
  readonly leases: Leases;
}

/** A page of steps ends behind this many bytes. */
const pageBytes = 1_048_576;
const pageSteps = 500;
/** A job with more rows gets none with its fetch: they would be more than it may send. */
const fetchedRows = 200;

/** Writes the error of an item, and notes one that is not the caller's. */
export type Refuse = (error: unknown) => { readonly status: number; readonly text: Json };

/** POST /workers/steps. Each item has an outcome of its own. */
export function* recordAll({ steps, leases }: Host, { access, body }: Request, refuse: Refuse): Steps<PlainReply> {
  const fields = new Fields(Fields.parse(body));
  const worker = fields.requiredPathName('worker_id');
  const items = readItems(fields, body ?? '', leases);
  fields.done();
  if (access) yield* ask(access.jobs(items.map(({ id }) => id)));
  // All of them start at once, so that they share a commit.
  const outcomes = items.map(({ id, claim, sent }) => run(recordOne(steps, { id, claim, worker }, sent, refuse)));
  const texts: Json[] = [];
  for (const outcome of outcomes) texts.push(yield* ask(outcome));
  return ok(`{"items":[${texts.join(',')}]}`);
}

function* recordOne(store: StepStore, owner: StepOwner, sent: readonly SentStep[], refuse: Refuse): Steps<Json> {
  const { id } = owner;
  try {
    if (!isUuidv7(id)) throw missingJob(id);
    const merged = yield* recordSteps(store, owner, sent);
    const apart = merged.filter(
      (one) => one.row.bytes !== undefined && (one.kind === 'kept' ? one.isRepeated : one.isNews),
    );
    const values = yield* valuesOf(store, id, apart);
    const texts = merged.map((one) => recordedStep(one, values.get(one.name) ?? one.row.value));
    return `{"job_id":"${id}","status":200,"steps":[${texts.join(',')}]}`;
  } catch (error) {
    const { status, text } = refuse(error);
    return `{"job_id":${JSON.stringify(id)},"status":${status},${text.slice(1)}`;
  }
}

interface Item {
  readonly id: JobId;
  readonly claim: number;
  readonly sent: readonly SentStep[];
}

function readItems(fields: Fields, body: Json, leases: Leases): readonly Item[] {
  const items = fields.items('items', stepLimits.items);
  if (items.length === 0) fields.issue('items', 'must have at least one item');
  const texts = items.length === 0 ? [] : elements(members(body).get('items') ?? '[]');
  return items.map((item, index) => {
    const id = item.requiredString('job_id');
    const lease = item.requiredString('x_lease', 64);
    const sent = readSteps(item, () => texts[index] ?? '{}');
    if (sent.length === 0) item.issue('steps', 'must have at least one step');
    return { id, claim: isUuidv7(id) ? leases.claimOf(id, lease) : noClaim, sent };
  });
}

/** GET /jobs/:id/steps, in pages by number. @param shows false for a caller who may see no values and errors. */
export function* listSteps({ steps }: Pick<Host, 'steps'>, request: Request, shows: boolean): Steps<PlainReply> {
  const id = idOf(request);
  const { names, after = 0, values = 'small', limit } = readQuery('job.steps', request.query, steps.clock.now());
  const job = yield* ask(steps.job(id));
  if (job === null) throw missingJob(id);
  const most = limit === undefined ? pageSteps : Math.min(pageSteps, readLimit(String(limit)));
  const all = names !== undefined || hasSteps(job) ? yield* chosen(steps, id, names ?? null) : [];
  const rest = all.filter(({ row }) => row.number > after);
  const texts: Json[] = [];
  let [bytes, last] = [0, after];
  for (const one of rest) {
    if (texts.length === most) break;
    const value = shows && values !== 'none' ? yield* oneValue(steps, id, one, values === 'all') : null;
    const text = shownStep(one, value, shows, steps.clock.now());
    bytes += utf8Length(text);
    if (texts.length > 0 && bytes > pageBytes) break;
    texts.push(text);
    last = one.row.number;
  }
  const mail = names === undefined && after === 0 && hasSteps(job) ? yield* unreadMail(steps, id) : [];
  const shown = mail.length === 0 ? '' : `,"mail":[${mail.join(',')}]`;
  return ok(`{"steps":[${texts.join(',')}],"next":${texts.length < rest.length ? last : null}${shown}}`);
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw ProtocolError.invalid([{ path: 'limit', message: 'must be a whole number of at least 1' }]);
}

function* chosen(store: StepStore, id: JobId, names: readonly string[] | null): Steps<readonly NamedRow[]> {
  if (names === null) return (yield* rowsOf(store, id, stepLimits.steps * 2)) ?? [];
  const found = yield* ask(store.records([...new Set(names)].map((key) => ({ kind: stepsKind(id), key }))));
  return found
    .flatMap((record) => (record === null ? [] : [namedRow(record)]))
    .sort((a, b) => a.row.number - b.row.number);
}

function* oneValue(store: StepStore, id: JobId, one: NamedRow, isWhole: boolean): Steps<Json | null> {
  if (one.row.bytes === undefined || !isWhole) return one.row.value ?? null;
  return (yield* valuesOf(store, id, [one])).get(one.name) ?? null;
}

function* valuesOf(
  store: StepStore,
  id: JobId,
  rows: readonly { readonly name: string; readonly row: StepRow }[],
): Steps<ReadonlyMap<string, Json>> {
  if (rows.length === 0) return new Map();
  const found = yield* ask(store.records(rows.map(({ name }) => ({ kind: valuesKind(id), key: name }))));
  return new Map(found.flatMap((record) => (record === null ? [] : [[record.key, record.body] as const])));
}

/** The members `x_steps` of the jobs of a fetch that have rows, by the jobs' ids. */
export function* fetchedSteps(store: StepStore, jobs: readonly JobRecord[]): Steps<ReadonlyMap<JobId, Json>> {
  const marked = jobs.filter(mayHaveSteps);
  const reads: Answered<readonly NamedRow[] | null>[] = marked.map(({ id }) => run(rowsOf(store, id, fetchedRows)));
  const texts = new Map<JobId, Json>();
  let room: number = fetchBytes.all;
  for (const [index, job] of marked.entries()) {
    const rows = yield* ask(reads[index] ?? null);
    if (!hasSteps(job)) {
      if (rows?.length === 0) continue;
      yield* ask(store.transition(marking(job, {})));
    }
    if (rows !== null)
      store.tallies.set(
        job.id,
        tallied(
          job,
          rows.map(({ row }) => row),
        ),
      );
    const { text, bytes } = claimedSteps(rows, store.clock.now(), room);
    room -= bytes;
    texts.set(job.id, text);
  }
  return texts;
}

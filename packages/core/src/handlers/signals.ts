import { changedReply } from '../answers.ts';
import { tokenMailbox } from '../durable/mail.ts';
import { ownSignals, tokenKind } from '../durable/mailbox.ts';
import { stepLimits } from '../durable/row.ts';
import { type Sent, type Signal, sendSignal } from '../durable/signal.ts';
import type { StepStore } from '../durable/store.ts';
import { wakeByHand } from '../durable/wake.ts';
import { ProtocolError } from '../errors.ts';
import type { JobRecord, Json } from '../job/job.ts';
import { State } from '../job/states.ts';
import { missingJob } from '../job-store.ts';
import { elements, members } from '../json/json.ts';
import { Fields } from '../requests/fields.ts';
import { readPage } from '../requests/pages.ts';
import { ok, type PlainReply } from '../requests/reply.ts';
import { readMembers } from '../schemas/read.ts';
import { readBody, readQuery } from '../schemas/requests.ts';
import { signal } from '../schemas/signals.ts';
import { ask, run, type Steps } from '../steps.ts';
import { latestOf } from '../time/clock.ts';
import { isUuidv7 } from '../uuid.ts';
import { type Access, idOf, idsOf, type Request } from './handler.ts';
import { refuseUnknown } from './step-requests.ts';
import type { Refuse } from './steps.ts';

interface Host {
  readonly steps: StepStore;
}

const schema = signal();

/** POST /signals. Each item has an outcome of its own. */
export function* sendSignals({ steps }: Host, request: Request, refuse: Refuse): Steps<PlainReply> {
  const { access } = request;
  const signals = readSignals(request, steps);
  const ids = signals.flatMap(({ to }) => ('job' in to ? [to.job] : []));
  if (access) {
    yield* ask(access.jobs(ids));
    access.queues(signals.flatMap(({ to }) => ('token' in to ? (to.queue ?? []) : [])));
  }
  // All of them start at once, so that they share a commit.
  const outcomes = signals.map((one) => run(sendOne(steps, one, access, refuse)));
  const texts: Json[] = [];
  for (const outcome of outcomes) texts.push(yield* ask(outcome));
  return ok(`{"signals":[${texts.join(',')}]}`);
}

function readSignals(request: Request, { clock }: StepStore): readonly Signal[] {
  const fields = new Fields(Fields.parse(request.body));
  if (!fields.has('signals')) fields.issue('signals', 'is required');
  const items = fields.items('signals', stepLimits.items);
  refuseUnknown(items, schema);
  const texts = elements(members(request.body ?? '{}').get('signals') ?? '[]');
  const nextId = idsOf(request, clock, 'signal');
  const signals = items.map((item, index): Signal => {
    const { payload: _, id, encoded, ...read } = readMembers(item, schema, clock.now());
    const { token, queue, job_id: job = '', name = '', expires_in_ms: lifeMs } = read;
    if (token === undefined)
      for (const own of ['job_id', 'name'] as const)
        if (read[own] === undefined) item.issue(own, 'is required, or a token');
    if (token !== undefined)
      for (const own of ['job_id', 'name']) if (item.has(own)) item.issue(own, 'excludes token: send one of them');
    if (token === undefined)
      for (const own of ['queue', 'expires_in_ms']) if (item.has(own)) item.issue(own, 'belongs to a token');
    if (token !== undefined && queue === undefined && request.access)
      item.issue('queue', 'is required with a token, because this caller may use some queues only');
    if (name.startsWith(ownSignals)) item.issue('name', `must not begin with ${ownSignals}`);
    const text = members(texts[index] ?? '{}').get('payload') ?? null;
    return {
      to: token === undefined ? { job, name } : { token, queue, lifeMs },
      id: id ?? nextId(),
      payload: { text, ...(encoded && { encoded }) },
    };
  });
  fields.done();
  return signals;
}

function* sendOne(store: StepStore, signal: Signal, access: Access | undefined, refuse: Refuse): Steps<Json> {
  const { to, id } = signal;
  try {
    if ('job' in to && !isUuidv7(to.job)) throw missingJob(to.job);
    const mayReach = (job: JobRecord) => {
      if ('token' in to && access && to.queue !== job.queue) throw ofOtherQueue(to.token);
    };
    return sentText(yield* sendSignal(store, signal, mayReach), id);
  } catch (error) {
    const { status, text } = refuse(error);
    return `{"status":${status},"id":${JSON.stringify(id)},${text.slice(1)}`;
  }
}

function sentText({ outcome, job }: Sent, id: string): Json {
  const of = job === null ? '' : `,"job_id":"${job.id}"`;
  return `{"status":200,"outcome":"${outcome}","id":${JSON.stringify(id)}${of}}`;
}

function ofOtherQueue(token: string): ProtocolError {
  const message = `The token ${JSON.stringify(token)} is waited for by a job of another queue.`;
  return new ProtocolError('permission_denied', message);
}

/** GET /signals, in pages by token. */
export function* listMailboxes({ steps }: Host, request: Request): Steps<PlainReply> {
  const { limit } = readPage(request.query);
  const { cursor = null } = readQuery('signal.list', request.query, steps.clock.now());
  const found = yield* ask(steps.scan(tokenKind, { ...(cursor !== null && { from: cursor }), limit: limit + 1 }));
  const now = latestOf(steps.clock);
  const shown = found.slice(0, limit);
  const next = found.length > limit ? shown.at(-1)?.key : undefined;
  const pagination = { limit, has_more: next !== undefined, next_cursor: next };
  const items = shown.map((record) => tokenMailbox(record, now));
  return ok(`{"mailboxes":[${items.join(',')}],"pagination":${JSON.stringify(pagination)}}`);
}

/** POST /admin/jobs/:id/wake. */
export function* wakeJob({ steps }: Host, request: Request): Steps<PlainReply> {
  const { names } = readBody('job.wake', request, steps.clock.now());
  const id = idOf(request);
  if (!isUuidv7(id)) throw missingJob(id);
  return changedReply({ job: yield* wakeByHand(steps, id, names ?? null), from: State.retryable });
}

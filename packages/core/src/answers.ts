/** Texts of answers, for the server's binding and the fake of `@ojs-ts/sdk/testing`. */
import { docsAddress, errorPlace, repositoryDocs } from './documentation.ts';
import { renderJob } from './envelope/render.ts';
import { type ErrorCode, ProtocolError } from './errors.ts';
import type { JobId, JobRecord, Json } from './job/job.ts';
import { stateName } from './job/states.ts';
import type { Changed } from './lifecycle/lifecycle.ts';
import type { PushedItem, PushRefusal } from './push.ts';
import { json, ok, type PlainReply } from './requests/reply.ts';
import type { Millis } from './time/clock.ts';
import { formatTimestamp } from './time/timestamp.ts';

/** An answer with one job. The fields that the published command line prints are at the top level too. */
export function oneJob({ id, type, queue, state }: JobRecord, rendered: Json, more = ''): Json {
  return `{"job":${rendered},"id":"${id}","type":"${type}","queue":"${queue}","state":"${stateName(state)}"${more}}`;
}

/** The answer to a change by hand. */
export function changedReply({ job, from }: Changed, extra: Json = ''): PlainReply {
  return ok(oneJob(job, renderJob(job, { extra: `"previous_state":"${stateName(from)}"${extra}` })));
}

/** The answer to a retry of a dead letter. */
export function retriedReply(changed: Changed): PlainReply {
  const at = changed.job.enqueuedAt;
  return changedReply(changed, at === null ? '' : `,"re_enqueued_at":"${formatTimestamp(at)}"`);
}

/** A job in the answer to a bulk request: only characters that need no escape in JSON (ojs-core §5.1). */
export function summary({ id, type, queue, state, priority }: JobRecord): Json {
  return `{"id":"${id}","type":"${type}","queue":"${queue}","state":"${stateName(state)}","priority":${priority}}`;
}

/**
 * The effect of a unique policy of `replace` or `replace_except_schedule`: the ids of the jobs that it cancelled, or
 * that it changed a job in place.
 */
export function replacement(item: PushedItem): Json {
  if (item.kind === 'deduplicated') return item.updated ? ',"updated":true' : '';
  return item.replaced.length === 0 ? '' : `,"replaced":["${item.replaced.join('","')}"]`;
}

/**
 * Members of an answer that leaves out jobs that were kept as sent: how many, and when they were made.
 * @param count of them.
 */
export function asSentMembers(count: number, createdAt: Millis): Json {
  return `"created":${count},"created_at":"${formatTimestamp(createdAt)}"`;
}

/** The error for a job that was not admitted. */
export function refusedBy(why: PushRefusal, index: number): ProtocolError {
  switch (why.kind) {
    case 'duplicate': {
      if (why.by === 'id') return duplicateId(why.existing.id, index, 'there already', why.existing);
      const { id, state, uniqueKey } = why.existing;
      return new ProtocolError(
        'duplicate',
        `Job ${id} has the same unique key and is ${stateName(state)}; nothing was enqueued.`,
        {
          existing_job_id: id,
          existing_job_state: stateName(state),
          unique_key: uniqueKey,
          uniqueness_key: uniqueKey,
          index,
        },
      );
    }
    case 'full': {
      const { queue, depth, bound } = why;
      return new ProtocolError('queue_full', `Queue ${queue} holds ${depth} waiting jobs; it takes at most ${bound}.`, {
        queue,
        depth,
        bound,
        strategy: 'reject',
        index,
      });
    }
    case 'paused':
      return new ProtocolError(
        'queue_paused',
        `Queue ${why.queue} is paused and this server refuses new jobs for paused queues.`,
        { queue: why.queue, index },
      );
  }
}

/** @param where the place of the id: in the store already, or twice in a batch. */
export function duplicateId(id: JobId, index: number, where: string, existing?: JobRecord): ProtocolError {
  return new ProtocolError('duplicate', `A job with id ${id} is ${where}; nothing was enqueued.`, {
    existing_job_id: id,
    index,
    ...(existing && { existing_job_state: stateName(existing.state) }),
  });
}

/**
 * Errors that repeat their details beside the code: ojs-backpressure §7.1, ojs-bulk-operations §9.1,
 * ojs-extension-lifecycle §8.3.
 */
const besideCode: ReadonlySet<ErrorCode> = new Set(['queue_full', 'batch_size_exceeded', 'extension_not_supported']);

/** The part of a request that an error body repeats. A handler passes the request itself. */
export interface Asked {
  readonly requestId: string;
  /** The address of the documentation, with its slash. Default: the repository. */
  readonly docsUrl?: string;
}

/**
 * The API error body (ojs-http-binding §16): nested, with a lower-case code and the other names of the error beside it.
 */
export function renderError(
  { kind, code, message, details, hint }: ProtocolError,
  { requestId, docsUrl = repositoryDocs }: Asked,
): Json {
  return JSON.stringify({
    error: {
      code: kind.wire ?? code,
      type: code,
      message,
      retryable: kind.retryable,
      request_id: requestId,
      hint,
      docs_url: docsAddress(errorPlace(code), docsUrl),
      canonical_code: kind.canonical,
      ojs_code: kind.ojs,
      ...(besideCode.has(code) && details),
      details,
    },
  });
}

/** A job of a bulk operation; `fault` says why it was not changed. */
export interface BulkItem {
  readonly id: JobId;
  readonly fault: ProtocolError | null;
}

/** The effect of a bulk operation on each job: `cancelled`, `retried` or `deleted`. */
export type BulkDone = 'cancelled' | 'retried' | 'deleted';

const actions: Readonly<Record<BulkDone, string>> = { cancelled: 'cancel', retried: 'retry', deleted: 'delete' };
/** Errors listed in `errors` too, beside the items, for clients of the admin dialect. */
const maxErrors = 100;

/**
 * The answer to an operation on many jobs: its items in order, and sums under the names of ojs-bulk-operations and of
 * ojs-admin-api.
 */
export function renderBulk(
  done: BulkDone,
  { items, more }: { readonly items: readonly BulkItem[]; readonly more: boolean },
  asked: Asked,
): { readonly status: number; readonly text: Json; readonly headers: Readonly<Record<string, string>> } {
  const faults = items.flatMap(({ id, fault }) => (fault === null ? [] : [{ id, fault }]));
  const succeeded = items.length - faults.length;
  const texts = items.map(({ id, fault }, index) => {
    const head = `{"index":${index},"job_id":${JSON.stringify(id)},"status"`;
    if (fault === null) return `${head}:"${done}"}`;
    return `${head}:"skipped","reason":${JSON.stringify(fault.message)},${errorMember(fault, asked)}}`;
  });
  const errors = faults
    .slice(0, maxErrors)
    .map(({ id, fault }) => ({ job_id: id, error: fault.message, code: fault.code }));
  const text =
    `{"action":"${actions[done]}","total_matched":${items.length},"matched":${items.length}` +
    `,"${done}":${succeeded},"succeeded":${succeeded}` +
    `,"skipped":${faults.length},"failed":${faults.length},"has_more":${more}` +
    `,"items":[${texts.join(',')}],"errors":${JSON.stringify(errors)}}`;
  const status = bulkStatus(succeeded, faults.length, 200);
  return { status, text, headers: { 'x-ojs-batch-size': String(items.length) } };
}

/** The same sums without the items, as ojs-admin-api §8 has them: 200, whatever became of single jobs. */
export function renderAdminBulk(done: BulkDone, { items, more }: Parameters<typeof renderBulk>[1]): PlainReply {
  const errors = items.flatMap(({ id, fault }) =>
    fault === null ? [] : [{ job_id: id, error: fault.message, code: fault.code }],
  );
  return json({
    action: actions[done],
    matched: items.length,
    succeeded: items.length - errors.length,
    failed: errors.length,
    has_more: more,
    errors: errors.slice(0, maxErrors),
  });
}

/** The answer to a purge of the dead letter: `purged_count` beside the sums of a bulk operation. */
export function renderPurge(result: Parameters<typeof renderBulk>[1], asked: Asked): PlainReply {
  const reply = renderBulk('deleted', result, asked);
  const purged = result.items.filter(({ fault }) => fault === null).length;
  return { ...reply, text: `{"purged_count":${purged},${reply.text.slice(1)}` };
}

/** ojs-bulk-operations §11.2: all jobs succeeded, some, or none. */
export function bulkStatus(succeeded: number, failed: number, success: 200 | 201): number {
  if (failed === 0) return success;
  return succeeded === 0 ? 422 : 207;
}

/** `"error":{…}` as an answer of its own would have it. */
export function errorMember(error: ProtocolError, asked: Asked): Json {
  return renderError(error, asked).slice(1, -1);
}

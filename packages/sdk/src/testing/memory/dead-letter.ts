import {
  type Call,
  formatDuration,
  formatTimestamp,
  isObject,
  type JobRecord,
  lastError,
  members,
  notDead,
  ProtocolError,
  type RerunOverride,
  readRetry,
  renderJob,
} from '@ojs-ts/core';
import { textOf } from '../../json.ts';
import { deadLetterFilter } from './filter.ts';
import { type Answers, changed, keyOf } from './jobs.ts';
import { fieldsOf, json, ok, pageOf, param, type Reply } from './reply.ts';
import type { Table } from './table.ts';

export function deadLetterAnswers(table: Table): Answers {
  return {
    'deadLetter.list': (call) => {
      const all = [...table.jobs.values()].filter(deadLetterFilter(call.query ?? {}, table.now));
      const { items, pagination } = pageOf(
        call,
        all.reverse().sort((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0)),
      );
      return ok(
        `{"jobs":[${items.map((job) => renderJob(job)).join(',')}],"total":${all.length},"pagination":${JSON.stringify(pagination)}}`,
      );
    },
    'deadLetter.get': (call) => {
      const text = renderJob(dead(table, call));
      return ok(`${text.slice(0, -1)},"job":${text}}`);
    },
    'deadLetter.retry': (call) => {
      const retried = table.lifecycle.retry(param(call, 'id'), keyOf(call), overrideOf(call));
      return changed(retried, ({ enqueuedAt: at }) =>
        at === null ? '' : `,"re_enqueued_at":"${formatTimestamp(at)}"`,
      );
    },
    'deadLetter.stats': () => stats(table),
    'deadLetter.delete': (call) => {
      const { id } = dead(table, call);
      table.remove(id);
      return json({ deleted: true, job_id: id, id });
    },
  };
}

function dead(table: Table, call: Call): JobRecord {
  const id = param(call, 'id');
  const job = table.jobs.get(id);
  if (job?.deadLetter) return job;
  throw notDead(id);
}

/** Args, meta, queue and terms of retry that a retry by hand may change (ojs-dead-letter §6.3). */
function overrideOf(call: Call): RerunOverride {
  if (call.body === undefined || call.body === '') return {};
  const { override } = fieldsOf(call);
  if (!isObject(override)) return {};
  const texts = members(members(call.body).get('override') ?? '{}');
  const [args, meta, retry, queue] = [texts.get('args'), texts.get('meta'), texts.get('retry'), textOf(override.queue)];
  const read = retry === undefined ? null : readRetry(override.retry, '$.override.retry');
  if (read !== null && 'issues' in read) throw ProtocolError.invalid(read.issues, 'validation_error');
  return {
    ...(queue !== undefined && { queue }),
    ...(read !== null && retry !== undefined && { retry: { text: retry, policy: read.policy } }),
    ...(args !== undefined && { args }),
    ...(meta !== undefined && { meta }),
  };
}

/** With the retention that a server has by default; here everything is kept. */
function stats(table: Table): Reply {
  const dead = [...table.jobs.values()].filter((job) => job.deadLetter);
  const ends = dead.flatMap(({ finishedAt }) => finishedAt ?? []);
  const counts = (keys: readonly string[]) =>
    Object.fromEntries([...new Set(keys)].map((key) => [key, keys.filter((one) => one === key).length]));
  return json({
    total: dead.length,
    by_queue: counts(dead.map(({ queue }) => queue)),
    by_error_type: counts(dead.map((job) => lastError(job)?.type ?? 'Unknown')),
    by_error_type_of: dead.length,
    oldest_at: ends.length === 0 ? null : formatTimestamp(Math.min(...ends)),
    newest_at: ends.length === 0 ? null : formatTimestamp(Math.max(...ends)),
    retention: { max_age: formatDuration(180 * 86_400_000), max_count: 10_000, removed_over_cap: 0 },
  });
}

import {
  atOnce,
  deadLetterReply,
  Fields,
  formatDuration,
  formatTimestamp,
  type JobRecord,
  json,
  lastError,
  listed,
  notDead,
  type PlainReply,
  readDeadLetterList,
  readOverride,
  readPurge,
  readRetryTargets,
  renderBulk,
  renderPurge,
  retriedReply,
  State,
} from '@ojs-ts/core';
import { type Answers, param, type Request } from './reply.ts';
import type { Table } from './table.ts';

export function deadLetterAnswers(table: Table): Answers {
  const { bulk, lifecycle } = table;
  const guard = { from: State.discarded, deadLetter: true } as const;
  return {
    'deadLetter.list': ({ query }) => listed(table, readDeadLetterList(query, table.now)),
    'deadLetter.get': (request) => deadLetterReply(dead(table, request)),
    'deadLetter.retry': (request) =>
      retriedReply(atOnce(lifecycle.retry(param(request, 'id'), request.key, readOverride(request.body)))),
    'deadLetter.retryMany': ({ body, key, requestId }) => {
      const targets = readRetryTargets(new Fields(Fields.parse(body)), table.now);
      return renderBulk('retried', atOnce(bulk.each(targets, (id) => lifecycle.retry(id, key))), requestId);
    },
    'deadLetter.stats': () => stats(table),
    'deadLetter.delete': (request) => {
      const { id } = dead(table, request);
      table.jobs.remove([id], guard, table.now);
      return json({ deleted: true, job_id: id, id });
    },
    'deadLetter.purge': ({ body, query, requestId }) =>
      renderPurge(atOnce(bulk.remove({ filter: readPurge(body, query, table.now) }, guard)), requestId),
  };
}

function dead(table: Table, request: Request): JobRecord {
  const id = param(request, 'id');
  const job = table.get(id);
  if (job?.deadLetter) return job;
  throw notDead(id);
}

/** With the retention that a server has by default; here everything is kept. */
function stats(table: Table): PlainReply {
  const dead = [...table.rows.values()].filter((job) => job.deadLetter);
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

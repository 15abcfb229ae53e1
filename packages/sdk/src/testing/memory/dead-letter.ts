import { type JobRecord, State } from '@ojs-ts/core/job';
import { atOnce, notDead, run } from '@ojs-ts/core/lifecycle';
import {
  countDeadLetters,
  deadLetterReply,
  deadLetterStatsReply,
  Fields,
  json,
  listed,
  readDeadLetterList,
  readOverride,
  readPurge,
  readRetryTargets,
  renderBulk,
  renderPurge,
  retriedReply,
} from '@ojs-ts/core/requests';
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
    'deadLetter.stats': () =>
      deadLetterStatsReply(atOnce(run(countDeadLetters(table, table.registry.queues()))), retention, 0),
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
const retention = { deadLetterMs: 180 * 86_400_000, keepDeadLetters: 10_000 };

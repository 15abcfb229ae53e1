import { type Call, type JobRecord, OjsFault, renderJob, retried } from '@ojs-ts/core';
import { type Answers, change } from './jobs.ts';
import { json, listed, ok, pageOf, param } from './reply.ts';
import type { Table } from './table.ts';

export function deadLetterAnswers(table: Table): Answers {
  return {
    'deadLetter.list': (call) => {
      const [queue] = listed(call, 'queue');
      const all = [...table.jobs.values()].filter((job) => job.deadLetter && (queue === undefined || job.queue === queue));
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
      dead(table, call);
      return change(table, call, (job) => table.restart(retried(job, table.now, call.idempotencyKey)));
    },
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
  throw new OjsFault('not_found', 'There is no job with this id in the dead letter.', { job_id: id });
}

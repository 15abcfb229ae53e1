import { bulkActions } from '../../bulk/operation.ts';
import { Type } from '../type.ts';
import { changed, Job, jobList, jobMembers, replacement, summary } from './jobs.ts';
import * as t from './parts.ts';

const many = {
  action: t.oneOf(['cancel', 'retry', 'delete']),
  total_matched: t.count(),
  matched: t.count(),
  ...t.each(t.maybe(t.count()), 'cancelled', 'retried', 'deleted'),
  ...t.each(t.count(), 'succeeded', 'skipped', 'failed'),
  has_more: t.flag('The same call again goes on.'),
  items: t.list(
    t.object({
      index: t.count(),
      job_id: t.text(),
      status: t.oneOf(['cancelled', 'retried', 'deleted', 'skipped']),
      reason: t.maybe(t.text()),
      error: t.maybe(t.ErrorBody),
    }),
  ),
  errors: t.list(t.object({ job_id: t.text(), error: t.text(), code: t.text() })),
};
const { action, matched, succeeded, failed, has_more, errors } = many;
const bulk = t.answer(many);
const adminMany = t.answer({ action, matched, succeeded, failed, has_more, errors });

const operation = {
  id: t.text(),
  action: t.oneOf([...bulkActions, 'undo'], {
    description: 'undo takes back what the operation `undoes` did.',
  }),
  state: t.oneOf(['running', 'stopped', 'done', 'failed']),
  undoes: t.maybe(t.text()),
  query: t.maybe(t.text()),
  filter: t.maybe(t.json()),
  changes: t.maybe(t.mapOf(t.json())),
  queue: t.orNull(t.text()),
  rate: t.orNull(t.number('Jobs per second at most.')),
  matched: t.count(),
  matched_is_lower_bound: t.flag(),
  done: t.count('Jobs that were looked at.'),
  changed: t.count(),
  skipped: t.mapOf(t.count('The other jobs, by reason.')),
  time_left_ms: t.orNull(t.number('An estimate.')),
  created_by: t.text(),
  started_at: t.time(),
  finished_at: t.orNull(t.time()),
  undo: t.object(
    { possible: t.flag(), reason: t.maybe(t.text()), by: t.maybe(t.text()) },
    { description: 'Whether it can be undone now; otherwise why not, or the operation that undid it.' },
  ),
  error: t.maybe(t.text('Why it failed, or why the server stopped it.')),
};
const BulkOperation = t.named('BulkOperation', operation);
export type BulkOperation = t.Of<typeof BulkOperation>;
const one = t.answer(operation);
const dryRun = t.answer({
  dry_run: t.yes(),
  action: t.text(),
  matched: t.count(),
  matched_is_lower_bound: t.flag(),
  sample: t.list(t.text(), { description: 'Ids of some of the jobs.' }),
});

const DeadJob = t.open('DeadJob', { ...jobMembers, discarded_at: t.time() });
export type DeadJob = t.Of<typeof DeadJob>;

export const bulkAnswers = {
  'bulk.enqueue': t.answer({
    ...t.each(t.count(), 'total', 'succeeded', 'failed'),
    created: t.maybe(t.count('Jobs that a short answer leaves out, because they are as they were sent.')),
    created_at: t.maybe(t.time()),
    x_at_once: t.maybe(t.count('How many merged calls a client should have in flight.')),
    items: t.list(
      t.object({
        index: t.count(),
        status: t.oneOf(['created', 'deduplicated', 'duplicate', 'failed']),
        job: t.maybe(Type.Union([t.object(summary), Job])),
        ...replacement,
        error: t.maybe(t.ErrorBody),
        warnings: t.maybe(t.list(t.json())),
      }),
    ),
  }),
  'bulk.cancel': bulk,
  'bulk.retry': bulk,
  'bulk.delete': bulk,
  'bulk.start': Type.Union([one, dryRun]),
  'bulk.list': t.answer({ items: t.list(BulkOperation), pagination: t.Page }),
  'bulk.get': one,
  'bulk.stop': one,
  'bulk.resume': one,
  'bulk.undo': one,
  'admin.cancelJobs': adminMany,
  'admin.retryJobs': adminMany,
  'admin.deleteJobs': adminMany,
};

export const deadLetterAnswers = {
  'deadLetter.list': t.answer({ jobs: t.list(DeadJob), ...jobList }),
  'deadLetter.stats': t.answer({
    total: t.count(),
    by_queue: t.mapOf(t.count()),
    by_error_type: t.mapOf(t.count()),
    by_error_type_of: t.count('How many dead letters were read for by_error_type.'),
    oldest_at: t.orNull(t.time()),
    newest_at: t.orNull(t.time()),
    retention: t.object({ max_age: t.duration(), max_count: t.count(), removed_over_cap: t.count() }),
  }),
  'deadLetter.get': t.answer({ ...jobMembers, job: Job }),
  'deadLetter.retry': changed,
  'deadLetter.retryMany': bulk,
  'deadLetter.purge': t.answer({ purged_count: t.count(), ...many }),
  'deadLetter.delete': t.answer({ deleted: t.yes(), job_id: t.text(), id: t.text() }),
};

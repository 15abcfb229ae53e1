import { elements, isObject, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { type Item, list, moment, text } from '../../output/cells.ts';
import { oneLine } from '../../output/plain.ts';
import { fields, table } from '../../output/table.ts';
import { detailCommand } from '../detail.ts';
import { errorColumns } from './columns.ts';

const times = [
  'created_at',
  'enqueued_at',
  'scheduled_at',
  'started_at',
  'next_attempt_at',
  'completed_at',
  'cancelled_at',
  'discarded_at',
  'expires_at',
] as const;
const texts = ['args', 'meta', 'result', 'x_progress'] as const;

/** `ojs jobs show`: a job with its texts unchanged, and its errors. */
export function showCommand(): Command {
  return detailCommand('show a job with its arguments, result and errors', {
    operation: 'job.get',
    param: 'id',
    about: 'id of the job',
    describe: (answer) => describeJob(members(answer).get('job') ?? '{}'),
  });
}

export function describeJob(job: Json): string {
  const parts = members(job);
  const item: Item = JSON.parse(job);
  const shown = fields([
    ['id', text(item, 'id')],
    ['type', text(item, 'type')],
    ['queue', text(item, 'queue')],
    ['state', text(item, 'state')],
    ['attempt', `${text(item, 'attempt')} of ${text(item, 'max_attempts')}`],
    ['priority', text(item, 'priority')],
    ['worker', text(item, 'worker_id')],
    [
      'limits',
      list(item, 'rate_limit')
        .filter(isObject)
        .map((limit) => text(limit, 'key'))
        .join(', '),
    ],
    ...times.map((name) => [name, moment(item, name)] as const),
    ...texts.map((name) => [name, shownText(parts.get(name))] as const),
  ]);
  const errors = elements(parts.get('errors') ?? '[]').map((error): unknown => JSON.parse(error));
  return errors.length === 0 ? shown : `${shown}\n\n${table(errorColumns, errors.filter(isObject))}`;
}

function shownText(json: Json | undefined): string {
  return json === undefined || json === 'null' || json === '{}' ? '' : oneLine(json);
}

import { isObject } from '@ojs-ts/core';
import type { Command } from 'commander';
import { type Item, list, moment, text, texts } from '../output/cells.ts';
import { details, fields, type Line, type View, view } from '../output/table.ts';
import { flag } from './flags.ts';
import { look } from './row.ts';

/** `ojs explain`: why a job does not run. */
export function explainCommand(): Command {
  return look('explain', 'say why a job does not run, and what helps', 'job.explain', {
    args: { id: 'id of the job; with --step of the workflow' },
    flags: { step: flag('--step <id>', 'explain this step of a workflow') },
    shown: describe,
  });
}

function describe(explanation: Item): string {
  const reasons = list(explanation, 'reasons').filter(isObject).map(describeReason);
  const next = details(view`next start: ${moment} next_start_at`, explanation);
  return [text(explanation, 'verdict'), ...reasons, ...(next === '' ? [] : [next])].join('\n\n');
}

/** The lists of a reason, and how an item is shown: each value after its title, or alone where the title is a dot. */
const parts: readonly (readonly [member: string, label: string, View])[] = [
  ['queues', 'queue', view`.: name`],
  ['steps', 'step', view`.: id | .: state | job: job_id`],
  ['workers', 'worker', view`.: id | .: status | seen: ${moment} last_seen_at | jobs: held | slots`],
  ['jobs', 'job', view`.: id | worker: worker_id | since: ${moment}`],
];

function describeReason(reason: Item): string {
  const rows: readonly Line[] = [
    ['since', moment(reason, 'since')],
    ['until', moment(reason, 'until')],
    ['limit', texts(reason, 'keys')],
    ...parts.flatMap(([member, label, shown]) =>
      list(reason, member)
        .filter(isObject)
        .map((item): Line => [label, inLine(shown, item)]),
    ),
    ['more', reason.partial === true ? 'not listed' : ''],
    ['what helps', text(reason, 'remedy')],
  ];
  return [`${text(reason, 'code')}: ${text(reason, 'message')}`, fields(rows)].filter((part) => part !== '').join('\n');
}

function inLine(shown: View, item: Item): string {
  const values = shown.map(({ title, cell }) => (title === '.' || cell(item) === '' ? '' : `${title} `) + cell(item));
  return values.filter((value) => value !== '').join(', ');
}

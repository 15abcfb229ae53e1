import { members, uuidv7 } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { ServerFlags } from '../../connection/server.ts';
import { age, count, type Item, moment, numberIn, part, text } from '../../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../../output/confirm.ts';
import { type FormatFlags, takesJson } from '../../output/format.ts';
import { oneLine, plain } from '../../output/plain.ts';
import { timeText } from '../../output/progress.ts';
import { fields } from '../../output/table.ts';
import { actionCommand } from '../action.ts';
import { group, serverCommand } from '../command.ts';
import { detailCommand } from '../detail.ts';
import { listCommand } from '../list.ts';
import { follow, jobs, matchedWords, skippedWords } from './follow.ts';

const operation = { param: 'id', about: 'id of the bulk operation' } as const;

/** `ojs bulk`: changes of many jobs that the server makes. */
export function bulkOperationsCommand(): Command {
  return group('bulk', 'look at changes of many jobs; stop, resume and undo them', [
    listCommand('list', 'list bulk operations, newest first', {
      operation: 'bulk.list',
      member: 'items',
      what: 'bulk operations',
      columns: [
        { title: 'ID', cell: (item) => text(item, 'id') },
        { title: 'ACTION', cell: (item) => text(item, 'action') },
        { title: 'STATE', cell: (item) => text(item, 'state') },
        { title: 'DONE', cell: (item) => count(item, 'done'), align: 'right' },
        { title: 'CHANGED', cell: (item) => count(item, 'changed'), align: 'right' },
        { title: 'AGE', cell: (item) => age(item, 'started_at'), align: 'right' },
        { title: 'BY', cell: (item) => text(item, 'created_by') },
        { title: 'JOBS', cell: about },
      ],
    }),
    detailCommand('show a bulk operation: its progress, and what stayed', {
      ...operation,
      operation: 'bulk.get',
      describe,
    }),
    actionCommand('stop', 'stop a bulk operation after its present step', {
      ...operation,
      operation: 'bulk.stop',
      said: (id, item) => `Operation ${id} is ${text(item, 'state')}: ${jobs(numberIn(item, 'changed'))} changed.`,
    }),
    actionCommand('resume', 'continue a stopped bulk operation', {
      ...operation,
      operation: 'bulk.resume',
      said: (id, item) => `Operation ${id} is ${text(item, 'state')}.`,
    }),
    undoCommand(),
  ]);
}

function undoCommand(): Command {
  const command = serverCommand<ServerFlags & FormatFlags & ConfirmFlags>(
    'undo',
    'take back a cancel or discard by new jobs, and a retry or rerun by cancelling what still waits',
    async (server, flags, id = '') => {
      const found: Item = JSON.parse((await server.ask({ operation: 'bulk.get', params: { id } })).text);
      const before = text(part(found, 'undo'), 'by');
      if (before !== '') throw new Failure('failed', `The operation was undone already: ojs bulk show ${before}`);
      const what = `${text(found, 'action')} of ${jobs(numberIn(found, 'changed'))}`;
      await confirmed(`Shall I undo the ${what} by ${plain(text(found, 'created_by'))}?`, flags);
      const call = { operation: 'bulk.undo', params: { id }, idempotencyKey: uuidv7() } as const;
      await follow(server, () => server.ask(call), flags);
    },
  ).argument('<id>', operation.about);
  return takesJson(takesConfirm(command));
}

function about(item: Item): string {
  const filter = part(item, 'filter');
  const members = Object.keys(filter).map((name) => `${name}:${plain(String(filter[name]))}`);
  const query = text(item, 'query');
  const undoes = text(item, 'undoes');
  return [...(undoes === '' ? [] : [`undoes ${undoes}`]), ...members, ...(query === '' ? [] : [query])].join(' ');
}

function describe(answer: Json): string {
  const item: Item = JSON.parse(answer);
  const undo = part(item, 'undo');
  const left = item.time_left_ms;
  const by = text(undo, 'by');
  const rate = text(item, 'rate');
  return fields([
    ['id', text(item, 'id')],
    ['action', text(item, 'action')],
    ['jobs', about(item)],
    ['changes', oneLine(members(answer).get('changes') ?? '')],
    ['state', text(item, 'state')],
    ['matched', matchedWords(item)],
    ['done', count(item, 'done')],
    ['changed', count(item, 'changed')],
    ['skipped', skippedWords(item)],
    ['rate', rate === '' ? '' : `${rate}/s`],
    ['time left', typeof left === 'number' ? timeText(left) : ''],
    ['by', text(item, 'created_by')],
    ['started_at', moment(item, 'started_at')],
    ['finished_at', moment(item, 'finished_at')],
    [
      'undo',
      undo.possible === true ? `ojs bulk undo ${text(item, 'id')}` : by === '' ? text(undo, 'reason') : `done by ${by}`,
    ],
    ['error', text(item, 'error')],
  ]);
}

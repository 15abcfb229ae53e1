import { uuidv7 } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { type Command, Option } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { ServerFlags } from '../../connection/server.ts';
import { count, duration, type Item, moment, part, text } from '../../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../../output/format.ts';
import { fields } from '../../output/table.ts';
import { takesWatch, type WatchFlags, watching } from '../../output/watch.ts';
import { actionCommand } from '../action.ts';
import { group, serverCommand } from '../command.ts';
import { askForChange, type CreateFlags, takesCreate } from '../create-flag.ts';
import { type ListFlags, listCommand } from '../list.ts';
import { ahead } from '../times.ts';
import { filled, fromZero, type Rate, rate } from '../values.ts';
import { freeCommand } from './free.ts';
import { holdersOf, holderTable, verdictOf } from './holders.ts';

const limit = { param: 'key', about: 'key of the limit; queue:NAME for that of a queue' } as const;

/** `ojs limits`. */
export function limitsCommand(): Command {
  return group('limits', 'look at limits by key and override them', [
    listLimits(),
    showCommand(),
    freeCommand(),
    overrideCommand(),
    actionCommand('restore', 'end an override; the numbers of the jobs or of the queue apply again', {
      ...limit,
      operation: 'limit.restore',
      said: (key) => `Limit ${key} has its own numbers again.`,
    }),
  ]);
}

interface LimitListFlags extends ListFlags {
  readonly key?: string;
  readonly sort?: string;
}

/** `ojs limits list`. */
function listLimits(): Command {
  return listCommand<LimitListFlags>(
    'list',
    'list limits by key',
    {
      operation: 'limit.list',
      member: 'items',
      what: 'limits',
      columns: [
        { title: 'KEY', cell: (item) => text(item, 'key') },
        { title: 'RUNNING', cell: slots, align: 'right' },
        { title: 'STARTS', cell: starts, align: 'right' },
        { title: 'WAITING', cell: (item) => count(item, 'waiting_count'), align: 'right' },
        { title: 'OVERRIDDEN', cell: (item) => (item.override === null ? '' : 'yes') },
      ],
    },
    ({ key, sort }) => ({ key, sort }),
  )
    .option('--key <text>', 'limits with this text in their key', filled)
    .addOption(
      new Option('--sort <order>', 'waiting: what holds back the most jobs first').choices(['key', 'waiting']),
    );
}

/** `ojs limits show`: with the jobs that hold its slots. */
function showCommand(): Command {
  const command = serverCommand<ServerFlags & FormatFlags & WatchFlags>(
    'show',
    'show a limit, what it holds up, and the jobs that hold its slots',
    (server, flags, key = '') =>
      watching(flags, async () => {
        const { text: answer } = await server.ask({ operation: 'limit.get', params: { key } });
        const holders = await holdersOf(server, key);
        const shown = `${answer.trimEnd().slice(0, -1)},"holders":${JSON.stringify(holders)}}`;
        printAnswer(shown, flags, () => {
          const item: Item = JSON.parse(answer);
          const parts = [describe(answer), holders.length === 0 ? '' : holderTable(holders)];
          return [...parts, verdictOf(key, item, holders)].filter((one) => one !== '').join('\n\n');
        });
      }),
  );
  return takesWatch(takesJson(command.argument('<key>', limit.about)));
}

function slots(item: Item): string {
  const most = text(part(item, 'concurrency'), 'limit');
  return most === '' ? count(item, 'active_count') : `${count(item, 'active_count')}/${most}`;
}

function starts(item: Item): string {
  const window = part(item, 'rate');
  const most = text(window, 'limit');
  return most === '' ? '' : `${count(window, 'current_count')}/${most} in ${duration(window, 'period')}`;
}

function describe(answer: Json): string {
  const item: Item = JSON.parse(answer);
  return fields([
    ['key', text(item, 'key')],
    ['running', slots(item)],
    ['starts', starts(item)],
    ['next start', moment(part(item, 'throttle'), 'next_allowed_at')],
    ['window resets', moment(part(item, 'rate'), 'window_resets_at')],
    ['waiting', count(item, 'waiting_count')],
    [
      'overridden until',
      item.override === null ? '' : moment(part(item, 'override'), 'expires_at') || 'it is restored',
    ],
  ]);
}

interface OverrideFlags extends ServerFlags, FormatFlags, CreateFlags {
  readonly concurrency?: number;
  readonly rate?: Rate;
  readonly for?: string;
}

/** `ojs limits override`: other numbers than the jobs have. */
function overrideCommand(): Command {
  const command = serverCommand<OverrideFlags>(
    'override',
    'apply other numbers to a limit',
    async (server, flags, key = '') => {
      const { concurrency, rate: given, for: until } = flags;
      if (concurrency === undefined && given === undefined)
        throw new Failure('usage', 'Expected --concurrency or --rate.');
      const body = JSON.stringify({ concurrency, rate: given, expires_at: until });
      const call = { operation: 'limit.override', params: { key }, body, idempotencyKey: uuidv7() } as const;
      const { text: answer } = await askForChange(server, call, flags);
      printAnswer(answer, flags, describe);
    },
  );
  return takesCreate(takesJson(command.argument('<key>', limit.about)), 'the limit')
    .option('--concurrency <count>', 'jobs that may run at once; 0 stops every start', fromZero)
    .option('--rate <rate>', 'jobs that may start in a time, such as 100/60s', rate)
    .option('--for <duration>', 'how long; without it until it is restored', ahead);
}

import { isObject } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import { duration, type Item, part, text } from '../../output/cells.ts';
import { printAnswer } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { fields, type Line } from '../../output/table.ts';
import { type Args, serverCommand } from '../command.ts';
import { atLeastOne, choice, flag, orNone, Raw, rate } from '../flags.ts';
import { given, objectOf } from '../row.ts';

export const settingFlags = {
  concurrency: flag('--concurrency <count>', 'jobs that may run at once; none for no limit', orNone(atLeastOne)),
  rate_limit: flag('--rate <rate>', 'jobs that may start in a time, such as 100/60s; none for no limit', orNone(rate)),
  max_size: flag('--max-depth <count>', 'jobs that may wait; none for no bound', orNone(atLeastOne)),
  overflow_policy: choice('--overflow <what>', 'what a full queue does with new jobs', ['reject', 'warn']),
};

/** `ojs queues create`: before its first job. */
export function createCommand(args: Args): Command {
  const takes = { args, flags: settingFlags, also: ['json'] as const };
  return serverCommand('create', 'create a queue with settings', takes, async (server, values, name = '') => {
    const body = objectOf({ name, config: new Raw(objectOf(given(settingFlags, values))) });
    const call = { operation: 'queue.create', body } as const;
    const { status, text: made } = await server.change(call, { status: 409, member: 'error' });
    if (status === 409)
      throw new Failure('failed', `Queue ${plain(name)} exists already: ojs queues configure changes its settings.`);
    const lines = settingLines(JSON.parse(made));
    printAnswer(made, values, () => `Queue ${plain(name)} is created.\n\n${fields(lines)}`);
  });
}

/** The settings in an answer of any of the shapes. */
export function settingLines(found: Item): readonly Line[] {
  const config = isObject(found.config) ? found.config : found;
  const rate = part(config, 'rate_limit');
  const [depth, starts] = [text(config, 'max_size'), text(rate, 'limit')];
  const then = config.overflow_policy === 'warn' ? 'taken with a warning' : 'refused';
  const kept = part(config, 'retention');
  const times = Object.keys(kept).map((state) => `${plain(state)} ${duration(kept, state)}`);
  return [
    ['concurrency', text(config, 'concurrency') || 'no limit'],
    ['rate', starts === '' ? 'no limit' : `${starts} starts in ${duration(rate, 'period')}`],
    ['max depth', depth === '' ? 'no bound' : `${depth} jobs; beyond them new ones are ${then}`],
    ['kept', times.join(', ')],
  ];
}

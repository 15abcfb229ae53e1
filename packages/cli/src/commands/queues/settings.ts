import { isObject, uuidv7 } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import { type Command, Option } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { ServerFlags } from '../../connection/server.ts';
import { duration, type Item, part, text } from '../../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { fields } from '../../output/table.ts';
import { serverCommand } from '../command.ts';
import { askForChange, type CreateFlags, takesCreate } from '../create-flag.ts';
import { atLeastOne, orNone, type Rate, rate } from '../values.ts';

interface SettingFlags extends ServerFlags, FormatFlags {
  readonly concurrency?: number | 'none';
  readonly rate?: Rate | 'none';
  readonly maxDepth?: number | 'none';
  readonly overflow?: string;
}

/** `ojs queues create`: before its first job. */
export function createCommand(): Command {
  const command = serverCommand<SettingFlags>(
    'create',
    'create a queue with settings',
    async (server, flags, name = '') => {
      const body = JSON.stringify({ name, config: settingsOf(flags) });
      const call = { operation: 'queue.create', body, idempotencyKey: uuidv7() } as const;
      const { status, text: made } = await server.ask(call, { status: 409, member: 'error' });
      if (status === 409)
        throw new Failure('failed', `Queue ${plain(name)} exists already: ojs queues configure changes its settings.`);
      printAnswer(made, flags, (answer) => `Queue ${plain(name)} is created.\n\n${fields(settingRows(answer))}`);
    },
  );
  return takesSettings(command);
}

/** `ojs queues configure`: what is not named stays. */
export function configureCommand(): Command {
  const command = serverCommand<SettingFlags & CreateFlags>(
    'configure',
    'change settings of a queue',
    async (server, flags, name = '') => {
      const settings = settingsOf(flags);
      if (Object.keys(settings).length === 0)
        throw new Failure('usage', 'Expected --concurrency, --rate, --max-depth or --overflow.');
      const operation: OperationName = 'queue.configure';
      const body = JSON.stringify(settings);
      const call = { operation, params: { name }, body, idempotencyKey: uuidv7() };
      const { text: changed } = await askForChange(server, call, flags);
      printAnswer(changed, flags, (answer) => fields(settingRows(answer)));
    },
  );
  return takesCreate(takesSettings(command), 'the queue');
}

function takesSettings(command: Command): Command {
  return takesJson(command.argument('<name>', 'name of the queue'))
    .option('--concurrency <count>', 'jobs that may run at once; none for no limit', orNone(atLeastOne))
    .option('--rate <rate>', 'jobs that may start in a time, such as 100/60s; none for no limit', orNone(rate))
    .option('--max-depth <count>', 'jobs that may wait; none for no bound', orNone(atLeastOne))
    .addOption(new Option('--overflow <what>', 'what a full queue does with new jobs').choices(['reject', 'warn']));
}

function settingsOf({ concurrency, rate, maxDepth, overflow }: SettingFlags): object {
  return {
    ...(concurrency !== undefined && { concurrency: sent(concurrency) }),
    ...(rate !== undefined && { rate_limit: sent(rate) }),
    ...(maxDepth !== undefined && { max_size: sent(maxDepth) }),
    ...(overflow !== undefined && { overflow_policy: overflow }),
  };
}

/** Null takes a setting away. */
function sent<T>(value: T | 'none'): T | null {
  return value === 'none' ? null : value;
}

/** Names and values of the settings in an answer of any of the shapes. */
export function settingRows(answer: Json): readonly (readonly [name: string, value: string])[] {
  const found: Item = JSON.parse(answer);
  const config = isObject(found.config) ? found.config : found;
  const rate = part(config, 'rate_limit');
  const [depth, starts] = [text(config, 'max_size'), text(rate, 'limit')];
  const then = config.overflow_policy === 'warn' ? 'taken with a warning' : 'refused';
  const kept = part(config, 'retention');
  return [
    ['concurrency', text(config, 'concurrency') || 'no limit'],
    ['rate', starts === '' ? 'no limit' : `${starts} starts in ${duration(rate, 'period')}`],
    ['max depth', depth === '' ? 'no bound' : `${depth} jobs; beyond them new ones are ${then}`],
    [
      'kept',
      Object.keys(kept)
        .map((state) => `${plain(state)} ${duration(kept, state)}`)
        .join(', '),
    ],
  ];
}

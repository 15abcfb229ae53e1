import { type Json, members, type OperationName, uuidv7 } from '@ojs-ts/core';
import { type Command, Option } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { ServerFlags } from '../../connection/server.ts';
import { type FormatFlags, printAnswer, takesJson } from '../../output/format.ts';
import { oneLine } from '../../output/plain.ts';
import { serverCommand } from '../command.ts';
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
      const { text } = await server.ask({ operation: 'queue.create', body, idempotencyKey: uuidv7() });
      printAnswer(text, flags, settingsIn);
    },
  );
  return takesSettings(command);
}

/** `ojs queues configure`: what is not named stays. */
export function configureCommand(): Command {
  const command = serverCommand<SettingFlags>(
    'configure',
    'change settings of a queue',
    async (server, flags, name = '') => {
      const settings = settingsOf(flags);
      if (Object.keys(settings).length === 0)
        throw new Failure('usage', 'Expected --concurrency, --rate, --max-depth or --overflow.');
      const operation: OperationName = 'queue.configure';
      const body = JSON.stringify(settings);
      const { text } = await server.ask({ operation, params: { name }, body, idempotencyKey: uuidv7() });
      printAnswer(text, flags, settingsIn);
    },
  );
  return takesSettings(command);
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

/** Their JSON text in an answer of any of the shapes. */
function settingsIn(answer: Json): string {
  return oneLine(members(answer).get('config') ?? answer);
}

import { uuidv7 } from '@ojs-ts/core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { ServerFlags } from '../../connection/server.ts';
import { type Item, text } from '../../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { serverCommand } from '../command.ts';
import { filled } from '../values.ts';

interface ChangeFlags extends ServerFlags, FormatFlags {
  readonly cron?: string;
  readonly timezone?: string;
  readonly overlap?: string;
  readonly description?: string;
  readonly type?: string;
  readonly queue?: string;
  /** JSON text, which is sent unchanged. */
  readonly args?: string;
}

/** `ojs cron change`: what has no flag stays as it is, a pause too. */
export function changeCommand(): Command {
  const command = serverCommand<ChangeFlags>(
    'change',
    'change parts of a cron job; the rest stays, and so does a pause',
    async (server, { cron, timezone, overlap, description, type, queue, args, ...flags }, name = '') => {
      const texts = JSON.stringify({ cron, timezone, overlap_policy: overlap, description, type, queue });
      const body = args === undefined ? texts : `${texts.slice(0, -1)}${texts === '{}' ? '' : ','}"args":${args}}`;
      if (body === '{}') throw new Failure('usage', 'Expected at least one flag, such as --cron or --timezone.');
      const call = { operation: 'cron.update', params: { name }, body, idempotencyKey: uuidv7() } as const;
      const { text: answer } = await server.ask(call);
      printAnswer(answer, flags, () => said(plain(name), JSON.parse(answer)));
    },
  ).argument('<name>', 'name of the cron job');
  return takesJson(command)
    .option('--cron <expression>', "when it runs, in quotes: '0 9 * * MON-FRI', '@every 15m'", filled)
    .option('--timezone <zone>', 'zone of the expression, such as Europe/Berlin', filled)
    .addOption(
      new Option('--overlap <policy>', 'what a run does while the one before it has not ended').choices([
        'skip',
        'allow',
        'cancel_previous',
        'enqueue',
      ]),
    )
    .option('--description <text>', 'a text for people; an empty one removes it')
    .option('--type <type>', 'type of the jobs', filled)
    .option('--queue <name>', 'queue of the jobs', filled)
    .option('--args <json>', 'arguments of the jobs, a JSON array', jsonArray);
}

function said(name: string, cron: Item): string {
  if (typeof cron.next_run_at === 'string')
    return `Cron job ${name} is changed; its next run is ${text(cron, 'next_run_at')}.`;
  const why = cron.never_runs === true ? 'its expression matches no time, so it never runs' : 'it does not run now';
  return `Cron job ${name} is changed; ${why}.`;
}

function jsonArray(text: string): string {
  try {
    if (Array.isArray(JSON.parse(text))) return text;
  } catch {
    // The same message as for another value.
  }
  throw new InvalidArgumentError(`Expected a JSON array such as '["sales"]', got ${plain(text)}.`);
}

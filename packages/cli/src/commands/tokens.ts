import { formatDuration, readDuration, uuidv7 } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { type Command, InvalidArgumentError } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { age, type Item, moment, part, text, texts } from '../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../output/confirm.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { plain } from '../output/plain.ts';
import { fields } from '../output/table.ts';
import { group, serverCommand } from './command.ts';
import { listCommand } from './list.ts';
import { ahead } from './times.ts';
import { filled } from './values.ts';

const token = { about: 'id of the token, as ojs tokens list shows it' } as const;

/** `ojs tokens`. */
export function tokensCommand(): Command {
  return group('tokens', 'make, list, rotate and revoke tokens of the store', [
    listCommand('list', 'list tokens, oldest first; never their secrets', {
      operation: 'token.list',
      member: 'items',
      what: 'tokens',
      columns: [
        { title: 'ID', cell: (item) => text(item, 'id') },
        { title: 'NAME', cell: (item) => text(item, 'name') },
        { title: 'ROLES', cell: (item) => texts(item, 'roles') },
        { title: 'QUEUES', cell: (item) => texts(item, 'queues') },
        { title: 'AGE', cell: (item) => age(item, 'created_at'), align: 'right' },
        { title: 'ENDS', cell: ends },
      ],
    }),
    createCommand(),
    rotateCommand(),
    revokeCommand(),
  ]);
}

function ends(item: Item): string {
  return item.revoked_at === null ? moment(item, 'expires_at') : 'revoked';
}

interface CreateFlags extends ServerFlags, FormatFlags {
  readonly role: readonly string[];
  readonly queue?: readonly string[];
  readonly redact?: readonly string[];
  readonly expires?: string;
}

function createCommand(): Command {
  const command = serverCommand<CreateFlags>('create', 'make a token', async (server, flags, name = '') => {
    const { role: roles, queue: queues, redact, expires } = flags;
    const body = JSON.stringify({ name, roles, queues, redact, expires_at: expires });
    const { text: answer } = await server.ask({ operation: 'token.create', body, idempotencyKey: uuidv7() });
    printAnswer(answer, flags, describe);
  });
  return takesJson(
    command
      .argument('<name>', 'what or who the token is for')
      .requiredOption(
        '--role <role>',
        'viewer, inspector, operator, admin, enqueue, work, cron, producer or worker',
        each,
      )
      .option('--queue <queue>', 'name of a queue, or its beginning and *; default all queues', each)
      .option('--redact <path>', 'what the holder does not see, such as args[0].card', each)
      .option('--expires <time>', 'when the token ends, such as 90d', ahead),
  );
}

interface RotateFlags extends ServerFlags, FormatFlags {
  readonly grace?: string;
}

function rotateCommand(): Command {
  const command = serverCommand<RotateFlags>('rotate', 'give a token a new secret', async (server, flags, id = '') => {
    const body = JSON.stringify({ grace: flags.grace });
    const call = { operation: 'token.rotate', params: { id }, body, idempotencyKey: uuidv7() } as const;
    const { text: answer } = await server.ask(call);
    printAnswer(answer, flags, describe);
  });
  return takesJson(command.argument('<id>', token.about)).option(
    '--grace <duration>',
    'how long the old secret counts; default 24h',
    grace,
  );
}

function revokeCommand(): Command {
  const command = serverCommand<ServerFlags & FormatFlags & ConfirmFlags & { readonly force?: true }>(
    'revoke',
    'end a token; every server refuses it within seconds',
    async (server, flags, id = '') => {
      await confirmed(`Shall I revoke the token ${plain(id)}? Whoever uses it is refused.`, flags);
      const query = flags.force ? { force: 'true' } : {};
      const { text: answer } = await server.ask({ operation: 'token.revoke', params: { id }, query });
      printAnswer(answer, flags, () => `Token ${plain(id)} is revoked.`);
    },
  ).argument('<id>', token.about);
  return takesJson(takesConfirm(command)).option('--force', 'revoke the last token that may manage tokens, too');
}

function describe(answer: Json): string {
  const whole: Item = JSON.parse(answer);
  const item = part(whole, 'token');
  return fields([
    ['token', text(whole, 'secret')],
    ['id', text(item, 'id')],
    ['roles', texts(item, 'roles')],
    ['queues', texts(item, 'queues')],
    ['expires', moment(item, 'expires_at')],
    ['old secret until', moment(item, 'previous_until')],
    ['', 'Keep the token now: nobody can read it again.'],
  ]);
}

/** A flag that may be repeated. */
function each(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...filled(value).split(',')];
}

function grace(value: string): string {
  const ms = readDuration(value);
  if (ms !== null) return formatDuration(ms);
  throw new InvalidArgumentError('Expected a duration such as 90s, 2h or 7d.');
}

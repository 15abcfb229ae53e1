import type { Command } from 'commander';
import { age, type Item, moment, texts } from '../output/cells.ts';
import { details, view } from '../output/table.ts';
import { group } from './command.ts';
import { ahead, each, flag, isoSpan, needed, on } from './flags.ts';
import { listCommand } from './list.ts';
import { change } from './row.ts';

const args = { id: 'id of the token, as ojs tokens list shows it' };
const roles = 'viewer, inspector, operator, admin, enqueue, work, cron, producer or worker';

/** `ojs tokens`. */
export function tokensCommand(): Command {
  return group('tokens', 'make, list, rotate and revoke tokens of the store', [
    listCommand('list', 'list tokens, oldest first; never their secrets', 'token.list', {
      what: 'tokens',
      columns: view`ID | NAME | ROLES: ${texts} | QUEUES: ${texts} | AGE>: ${age} created_at | ENDS: ${ends}`,
    }),
    change('create', 'make a token', 'token.create', {
      args: { name: 'what or who the token is for' },
      flags: {
        roles: needed(flag('--role <role>', roles, each)),
        queues: flag('--queue <queue>', 'name of a queue, or its beginning and *; default all queues', each),
        redact: flag('--redact <path>', 'what the holder does not see, such as args[0].card', each),
        expires_at: flag('--expires <time>', 'when the token ends, such as 90d', ahead),
      },
      body: ({ roles, queues, redact, expires_at }, name) => ({ name, roles, queues, redact, expires_at }),
      shown: describe,
    }),
    change('rotate', 'give a token a new secret', 'token.rotate', {
      args,
      flags: { grace: flag('--grace <duration>', 'how long the old secret counts; default 24h', isoSpan) },
      shown: describe,
    }),
    change('revoke', 'end a token; every server refuses it within seconds', 'token.revoke', {
      args,
      flags: { force: on('--force', 'revoke the last token that may manage tokens, too') },
      sends: 'query',
      question: (id) => `Shall I revoke the token ${id}? Whoever uses it is refused.`,
      shown: (_, id) => `Token ${id} is revoked.`,
    }),
  ]);
}

function ends(item: Item): string {
  return item.revoked_at === null ? moment(item, 'expires_at') : 'revoked';
}

const lines = view`
  token: secret | id: token.id | roles: ${texts} token.roles | queues: ${texts} token.queues
  expires: ${moment} token.expires_at | old secret until: ${moment} token.previous_until`;

function describe(item: Item): string {
  return details(lines, item, [['', 'Keep the token now: nobody can read it again.']]);
}

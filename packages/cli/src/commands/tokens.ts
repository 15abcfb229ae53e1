import type { Command } from 'commander';
import { age, type Item, moment, texts } from '../output/cells.ts';
import { details, view } from '../output/table.ts';
import { group } from './command.ts';
import { ahead, each, flag, isoSpan, needed, on } from './flags.ts';
import { listCommand } from './list.ts';
import { change } from './row.ts';

const args = { id: 'id of the token (ojs tokens list)' };
const roles = 'viewer, inspector, operator, admin, enqueue, work, cron, producer or worker';

/** `ojs tokens`. */
export function tokensCommand(): Command {
  return group('tokens', 'create, list, rotate and revoke stored tokens', [
    listCommand('list', 'list tokens, oldest first; never their secrets', 'token.list', {
      what: 'tokens',
      columns: view`ID | NAME | ROLES: ${texts} | QUEUES: ${texts} | AGE>: ${age} created_at | EXPIRES: ${ends}`,
    }),
    change('create', 'create a token and print its secret once', 'token.create', {
      args: { name: 'a name for people, such as billing-service' },
      flags: {
        roles: needed(flag('--role <role>', roles, each)),
        queues: flag(
          '--queue <queue>',
          'a queue, or a prefix such as email.*; default all queues; may be repeated',
          each,
        ),
        redact: flag('--redact <path>', 'a field that the token must not see, such as args[0].card', each),
        expires_at: flag('--expires <time>', 'when the token expires, such as 90d; default never', ahead),
      },
      body: ({ roles, queues, redact, expires_at }, name) => ({ name, roles, queues, redact, expires_at }),
      shown: describe,
    }),
    change('rotate', 'give a token a new secret', 'token.rotate', {
      args,
      flags: { grace: flag('--grace <duration>', 'how long the old secret stays valid; default 24h', isoSpan) },
      shown: describe,
    }),
    change('revoke', 'revoke a token; every server refuses it within seconds', 'token.revoke', {
      args,
      flags: { force: on('--force', 'even if it is the last token that may manage tokens') },
      sends: 'query',
      question: (id) => `Revoke the token ${id}? Programs that use it are refused within seconds.`,
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
  return details(lines, item, [['', 'Copy the token now: it is not shown again.']]);
}

import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { Server } from '../connection/server.ts';
import { age, type Item, moment, part, text } from '../output/cells.ts';
import { printAnswer } from '../output/format.ts';
import { plain } from '../output/plain.ts';
import { details, view } from '../output/table.ts';
import { group, serverCommand } from './command.ts';
import { flag, past } from './flags.ts';
import { listCommand } from './list.ts';

/** `ojs audit`. */
export function auditCommand(): Command {
  return group('audit', 'list who changed what, and when', [
    listCommand('list', 'list entries of the audit log, newest first', 'audit.list', {
      what: 'entries',
      columns: view`AGE>: ${age} timestamp | WHAT: event_type | WHO: principal | FROM: source_ip | OUTCOME
        ABOUT: ${subject} | ID`,
      flags: {
        type: flag('--type <type>', 'entries of this type, or of all that begin so: queue, queue.paused'),
        principal: flag('--principal <name>', 'entries of this token or user'),
        about: flag('--about <text>', 'entries that name this, such as a job id or a queue'),
        since: flag('--since <time>', 'entries since then: a time, or an age such as 2h', past),
        until: flag('--until <time>', 'entries before then: a time, or an age', past),
      },
    }),
    serverCommand(
      'show',
      'show an entry of the audit log: what was asked, and the settings before and after',
      { args: { id: 'id of the entry, as ojs audit list shows it' }, also: ['json', 'watch'] },
      async (server, values, id = '') => printAnswer(await auditEntry(server, id), values, describe),
    ),
  ]);
}

/** @throws Failure if there is no such entry. */
export async function auditEntry(server: Server, id: string): Promise<Json> {
  const found = elements((await server.askFor({ operation: 'audit.list', query: { id } })).get('items') ?? '[]');
  const [entry] = found;
  if (entry === undefined)
    throw new Failure('missing', `There is no entry with the id ${plain(id)}: ojs audit list shows ids.`);
  return entry;
}

const lines = view`
  id | time: ${moment} timestamp | what: event_type | who: principal | from: source_ip
  request id: correlation_id | outcome`;

function describe(entry: Json): string {
  const detail = members(members(entry).get('detail') ?? '{}');
  const more = [...detail].map(([name, value]) => [plain(name), plain(textOf(value))] as const);
  return details(lines, JSON.parse(entry), more);
}

/** A string without its quotes. */
function textOf(value: Json): string {
  return value.startsWith('"') ? JSON.parse(value) : value;
}

/** Returns the subject of the call. */
function subject(item: Item): string {
  const detail = part(item, 'detail');
  return ['bulk_id', 'id', 'name', 'key'].map((name) => text(detail, name)).find((one) => one !== '') ?? '';
}

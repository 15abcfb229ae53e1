import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { Server, ServerFlags } from '../connection/server.ts';
import { age, type Item, moment, part, text } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { plain } from '../output/plain.ts';
import { fields } from '../output/table.ts';
import { group, serverCommand } from './command.ts';
import { type ListFlags, listCommand } from './list.ts';
import { past } from './times.ts';
import { filled } from './values.ts';

interface AuditFlags extends ListFlags {
  readonly type?: string;
  readonly principal?: string;
  readonly about?: string;
  readonly since?: string;
  readonly until?: string;
}

/** `ojs audit`. */
export function auditCommand(): Command {
  return group('audit', 'who changed what', [
    listCommand<AuditFlags>(
      'list',
      'list entries of the audit log, newest first',
      {
        operation: 'audit.list',
        member: 'items',
        what: 'entries',
        columns: [
          { title: 'AGE', cell: (item) => age(item, 'timestamp'), align: 'right' },
          { title: 'WHAT', cell: (item) => text(item, 'event_type') },
          { title: 'WHO', cell: (item) => text(item, 'principal') },
          { title: 'FROM', cell: (item) => text(item, 'source_ip') },
          { title: 'OUTCOME', cell: (item) => text(item, 'outcome') },
          { title: 'ABOUT', cell: subject },
          { title: 'ID', cell: (item) => text(item, 'id') },
        ],
      },
      ({ type, principal, about, since, until }) => ({ type, principal, about, since, until }),
    )
      .option('--type <type>', 'a type or its beginning, such as queue or queue.paused', filled)
      .option('--principal <name>', 'who did it', filled)
      .option('--about <text>', 'a text of the entry, such as the id of a job', filled)
      .option('--since <time>', 'a timestamp, or an age such as 2h', past)
      .option('--until <time>', 'a timestamp, or an age', past),
    showCommand(),
  ]);
}

/** `ojs audit show`: an entry with what the call changed. */
function showCommand(): Command {
  const command = serverCommand<ServerFlags & FormatFlags>(
    'show',
    'show an entry of the audit log: what was asked, and the settings before and after',
    async (server, flags, id = '') => printAnswer(await auditEntry(server, id), flags, describe),
  );
  return takesJson(command.argument('<id>', 'id of the entry, as ojs audit list shows it'));
}

/** @throws Failure if there is no such entry. */
export async function auditEntry(server: Server, id: string): Promise<Json> {
  const found = elements((await server.askFor({ operation: 'audit.list', query: { id } })).get('items') ?? '[]');
  const [entry] = found;
  if (entry === undefined)
    throw new Failure('missing', `There is no entry with the id ${plain(id)}: ojs audit list shows ids.`);
  return entry;
}

function describe(entry: Json): string {
  const item: Item = JSON.parse(entry);
  const detail = members(members(entry).get('detail') ?? '{}');
  return fields([
    ['id', text(item, 'id')],
    ['time', moment(item, 'timestamp')],
    ['what', text(item, 'event_type')],
    ['who', text(item, 'principal')],
    ['from', text(item, 'source_ip')],
    ['request id', text(item, 'correlation_id')],
    ['outcome', text(item, 'outcome')],
    ...[...detail].map(([name, value]) => [plain(name), plain(textOf(value))] as const),
  ]);
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

import type { Command } from 'commander';
import { age, type Item, part, text } from '../output/cells.ts';
import { group } from './command.ts';
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
        ],
      },
      ({ type, principal, about, since, until }) => ({ type, principal, about, since, until }),
    )
      .option('--type <type>', 'a type or its beginning, such as queue or queue.paused', filled)
      .option('--principal <name>', 'who did it', filled)
      .option('--about <text>', 'a text of the entry, such as the id of a job', filled)
      .option('--since <time>', 'a timestamp, or an age such as 2h', past)
      .option('--until <time>', 'a timestamp, or an age', past),
  ]);
}

/** What the call names. */
function subject(item: Item): string {
  const detail = part(item, 'detail');
  return ['bulk_id', 'id', 'name', 'key'].map((name) => text(detail, name)).find((one) => one !== '') ?? '';
}

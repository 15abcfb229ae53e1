import { inboxBytes } from '../inbox.ts';
import { readCompletion, readEntry } from '../rows.ts';
import type { Inbox, InboxEntry, Inserted } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { insertGroup } from './insert.ts';
import { complete, move } from './move.ts';
import { integer } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

const depth = 'SELECT (SELECT count(*) FROM ojs_inbox) + (SELECT count(*) FROM ojs_inbox_completions)';

/** Rows that transactions of users have appended over other connections. */
export function inbox(sql: Connection, store: GroupCommit): Inbox {
  return {
    read: (limit) => store.read(() => oldest(sql, limit)),

    holds: (ids) => store.read(() => ids.map((id) => sql.get(statements.inInbox, id, id)?.[0] === 1)),

    take: (items, now, options) =>
      store.write((tx) => {
        const answers = items.map(({ entry, job }) =>
          ifExists(tx, entry, () => insertGroup(tx, [job], now, options)[0] ?? null),
        );
        tx.end(now);
        return answers;
      }),

    refuse: (refusals, now) =>
      store.write((tx) => {
        const answers = refusals.map(({ entry, job, end }) =>
          ifExists(tx, entry, () => {
            const [answer] = insertGroup(tx, [job], now, { always: true });
            if (answer?.kind === 'inserted') move(tx, end, now);
            return answer ?? null;
          }),
        );
        tx.end(now);
        return answers;
      }),

    complete: (limit, now) =>
      store.write((tx) => {
        const found = tx.sql.all(statements.completions, 0, limit).map(readCompletion);
        const ready = found.flatMap((completion) => complete(tx, completion, now));
        tx.end(now);
        return { count: found.length, ready };
      }),

    depth: () => store.read(() => integer(sql.get(depth)?.[0])),
  };
}

/** Reads row by row, so that the requests of a page stay within its bytes. */
function oldest(sql: Connection, limit: number): readonly InboxEntry[] {
  const entries: InboxEntry[] = [];
  for (let bytes = 0, after = 0; entries.length < limit && bytes < inboxBytes; ) {
    const cells = sql.get(statements.inbox, after, 1);
    if (!cells) break;
    const entry = readEntry(cells);
    entries.push(entry);
    after = entry.number;
    bytes += Buffer.byteLength(entry.request);
  }
  return entries;
}

/** Calls `work` if the entry still exists, and deletes the entry if the store has the job then. */
function ifExists(tx: Transaction, entry: number, work: () => Inserted | null): Inserted | null {
  if (!tx.sql.get(statements.inboxEntry, entry)) return null;
  const answer = work();
  if (answer?.kind === 'inserted' || answer?.kind === 'already') tx.sql.change(statements.leaveInbox, entry);
  return answer;
}

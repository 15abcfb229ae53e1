// The program of the process that `file-check.ts` starts: checks table by table, and sends what it finds.
import { setPriority } from 'node:os';
import { loadNodeSqlite } from './node-sqlite.ts';

/** The lowest priority: the check must not slow down the server beside it. */
setPriority(19);

const [, , file = ''] = process.argv;

/** Sends the problems that `look` answers or stumbles over. */
function report(what: string, look: () => readonly string[]): void {
  let problems: readonly string[];
  try {
    problems = look();
  } catch (error) {
    problems = [error instanceof Error ? error.message : String(error)];
  }
  process.send?.(problems.map((problem) => `${what}: ${problem}`));
}

report('schema', () => {
  const { DatabaseSync } = loadNodeSqlite();
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  for (const { name } of tables) {
    // A statement for each table, so that none holds the WAL back for long. It answers at most 100 rows.
    report(`table ${name}`, () => {
      const rows = database.prepare(`PRAGMA quick_check('${String(name).replaceAll("'", "''")}')`).all();
      return rows.map((row) => String(row.quick_check)).filter((text) => text !== 'ok');
    });
  }
  return [];
});
process.send?.('done');
process.disconnect?.();

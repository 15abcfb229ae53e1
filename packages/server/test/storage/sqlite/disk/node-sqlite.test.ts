import { once } from 'node:events';
import { expect, test } from 'vitest';
import { loadNodeSqlite, withoutSqliteWarning } from '../../../../src/storage/sqlite/disk/node-sqlite.ts';

test('loading node:sqlite hides the warning of node:sqlite and no other', async () => {
  const seen: string[] = [];
  const listen = ({ message }: Error) => seen.push(message);
  process.on('warning', listen);
  const before = process.emitWarning;
  const answer = withoutSqliteWarning(() => {
    process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
    process.emitWarning('Another thing is an experimental feature and might change at any time', 'ExperimentalWarning');
    return 'loaded';
  });
  expect([answer, process.emitWarning]).toEqual(['loaded', before]);
  const last = once(process, 'warning');
  process.emitWarning('SQLite is an experimental feature and might change at any time, says somebody else');
  await last;
  process.off('warning', listen);
  expect(seen).toEqual([
    'Another thing is an experimental feature and might change at any time',
    'SQLite is an experimental feature and might change at any time, says somebody else',
  ]);
});

test('after a failed load warnings are shown again', () => {
  const before = process.emitWarning;
  expect(() =>
    withoutSqliteWarning(() => {
      throw new Error('no such module');
    }),
  ).toThrow('no such module');
  expect(process.emitWarning).toBe(before);
  expect(loadNodeSqlite().DatabaseSync).toBeTypeOf('function');
});

import { expect, test } from 'vitest';
import { Database } from '../../../../src/storage/postgres/connection/database.ts';
import { readPostgresUrl } from '../../../../src/storage/postgres/connection/url.ts';
import { freePort } from '../../../support/instance.ts';
import { server } from '../schema.ts';

test.skipIf(server === null)('of several hosts the one that answers is used, and it stays the one', async () => {
  const url = new URL(server ?? '');
  url.host = `127.0.0.1:${await freePort()}`;
  const text = url.href.replace(url.host, `${url.host},${new URL(server ?? '').host}`);
  const database = new Database(readPostgresUrl(`${text}?target_session_attrs=read-write`), false, () => {});
  try {
    expect(await database.query('SELECT 1')).toEqual([[1]]);
    expect(await database.query('SELECT 2')).toEqual([[2]]);
    expect(database.lastMove).toBeNull();
  } finally {
    await database.close();
  }
});

test('where none of several hosts answers, the error names all', async () => {
  const [one, two] = [await freePort(), await freePort()];
  const database = new Database(readPostgresUrl(`postgres://u@127.0.0.1:${one},127.0.0.1:${two}/db`), false, () => {});
  await expect(database.query('SELECT 1')).rejects.toThrow(`PostgreSQL at 127.0.0.1:${one},127.0.0.1:${two}/db`);
  await database.close();
});

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { pingPostgres, postgresUrl, startPostgres } from './postgres.ts';
import { pingRedis, redisUrl, startRedis } from './redis.ts';

describe.skipIf((await postgresUrl()) === null)('a PostgreSQL of the test', () => {
  test('keeps commits from before a kill, and is removed afterwards', async () => {
    const server = await startPostgres({ fsync: true });
    try {
      await query(server.url, 'CREATE TABLE kept AS SELECT 7 AS number');
      await server.kill();
      await expect(pingPostgres(server.url)).rejects.toThrow();
      await server.restart();
      expect(await query(server.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
      expect(await query(server.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    } finally {
      await server[Symbol.asyncDispose]();
    }
    await expect(pingPostgres(server.url)).rejects.toThrow();
    expect(existsSync(server.directory)).toBe(false);
  });

  test('reports its log if it cannot start', async () => {
    await expect(startPostgres({ binaries: '/no/such/directory' })).rejects.toThrow(/\/no\/such\/directory\/initdb/);
  });
});

describe.skipIf((await redisUrl()) === null)('a Redis of the test', () => {
  test('keeps writes from before a kill, refuses writes without memory, and is removed afterwards', async () => {
    const server = await startRedis({ appendonly: 'always', maxmemory: '20mb' });
    try {
      await command(server.url, (client) => client.set('kept', '7'));
      await server.kill();
      await expect(pingRedis(server.url)).rejects.toThrow();
      await server.restart();
      expect(await command(server.url, (client) => client.get('kept'))).toBe('7');
      await expect(
        command(server.url, (client) => client.set('big', 'x'.repeat(25_000_000)).then(() => client.set('more', '1'))),
      ).rejects.toThrow(/OOM/);
    } finally {
      await server[Symbol.asyncDispose]();
    }
    await expect(pingRedis(server.url)).rejects.toThrow();
    expect(existsSync(server.directory)).toBe(false);
  });

  test('ends when the process that started it is killed', async () => {
    const program = `
      const { startRedis } = await import('${new URL('./redis.ts', import.meta.url).href}');
      const { url, directory } = await startRedis();
      console.log(url);
      console.log(directory);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) if (lines.push(line) === 2) break;
    const [url = '', directory = ''] = lines;
    await pingRedis(url);
    child.kill('SIGKILL');
    await expect.poll(() => existsSync(directory)).toBe(false);
    await expect(pingRedis(url)).rejects.toThrow();
  });
});

async function query(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function command<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

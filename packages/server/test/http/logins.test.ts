import { manualClock } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { Tokens } from '../../src/engine/access/tokens.ts';
import { Authorization } from '../../src/http/auth.ts';
import { Logins, maxWaiting } from '../../src/http/logins.ts';
import { parseToken } from '../../src/http/tokens.ts';
import { openStorage } from '../../src/storage/open.ts';
import { serveClocked } from '../support/clocked.ts';
import { settled } from '../support/engine.ts';
import { expectRefusal } from '../support/refusal.ts';
import { send } from '../support/request.ts';
import { storages } from '../support/storages.ts';

/** A store without tokens. */
const stored = new Tokens(await openStorage('memory:'), manualClock());

/** Logins with a clock that only the test moves: what waits goes on when it is told to. */
function logins(tokens: readonly string[] = ['first-secret', 'other-secret']) {
  let now = 0;
  const lines: object[] = [];
  const waiting: { readonly ms: number; readonly go: () => void }[] = [];
  const all = new Logins({
    authorization: new Authorization(tokens.map(parseToken), stored, manualClock()),
    rate: { limit: 3, perMs: 30_000 },
    warn: (fields, message) => lines.push({ message, ...fields }),
    now: () => now,
    wait: (ms) => new Promise((go) => waiting.push({ ms, go })),
  });
  const login = (token: string, address = '10.0.0.1') =>
    all.holder(`Bearer ${token}`, { address, route: 'GET /ojs/v1/queues', requestId: 'r-1', isSealed: false });
  return {
    lines,
    waiting,
    login,
    all,
    advance: (ms: number) => {
      now += ms;
    },
    fail: async (count: number, address?: string) => {
      for (let index = 0; index < count; index++) expect(await login(`guess-${index}`, address)).toBe(null);
    },
  };
}

describe('logins', () => {
  test('that fail are logged without the token', async () => {
    const { fail, lines } = logins();
    await fail(2);
    const line = { message: 'login failed', address: '10.0.0.1', route: 'GET /ojs/v1/queues', request_id: 'r-1' };
    expect(lines).toEqual([line, line]);
    expect(JSON.stringify(lines)).not.toContain('guess');
  });

  test('of an address with too many failures wait, right or wrong; others do not', async () => {
    const { fail, login, waiting, advance } = logins();
    await fail(3);
    const wrong = login('guess-again');
    const right = login('first-secret');
    await settled();
    expect(waiting.map(({ ms }) => ms)).toEqual([1_000, 1_000]);
    expect(await login('other-secret', '10.0.0.2')).toMatchObject({ grant: { roles: ['admin'] } });
    for (const { go } of waiting) go();
    expect(await wrong).toBe(null);
    expect(await right).not.toBe(null);
    // It has been used from there now.
    expect(await login('first-secret')).not.toBe(null);
    expect(waiting).toHaveLength(2);
    advance(10_000);
    expect(await login('guess-later')).toBe(null);
    expect(waiting).toHaveLength(2);
  });

  test('with a token that the address has used before never wait', async () => {
    const { fail, login, waiting } = logins();
    expect(await login('first-secret')).not.toBe(null);
    await fail(3);
    expect(await login('first-secret')).not.toBe(null);
    expect(waiting).toEqual([]);
  });

  test('beyond those that wait are refused unread, and there is room again', async () => {
    const { fail, login, waiting } = logins();
    await fail(3);
    const held = Array.from({ length: maxWaiting }, (_, index) => login(`guess-${index}`));
    await expect(login('guess-more')).rejects.toMatchObject({ code: 'rate_limited', details: { retry_after: 1 } });
    await expect(login('other-secret')).rejects.toMatchObject({ code: 'rate_limited' });
    for (const { go } of waiting.splice(0)) go();
    await Promise.all(held);
    const next = login('other-secret');
    await settled();
    waiting[0]?.go();
    expect(await next).not.toBe(null);
  });

  test('of many addresses are logged 100 times a minute; the next line has the number of the others', async () => {
    const { fail, lines, advance } = logins();
    for (let index = 0; index < 150; index++) await fail(1, `10.0.1.${index}`);
    expect(lines).toHaveLength(100);
    advance(60_000);
    await fail(1);
    expect(lines.at(-1)).toMatchObject({ unlogged: 50 });
  });

  test('without a token, and of a server that has none, are no failures', async () => {
    const open = logins([]);
    await open.fail(10);
    const { all, lines } = logins();
    for (let index = 0; index < 10; index++)
      expect(await all.holder(undefined, { address: '10.0.0.1', route: '', requestId: '', isSealed: false })).toBe(
        null,
      );
    expect([...lines, ...open.lines]).toEqual([]);
  });
});

describe('a server whose tokens somebody guesses', () => {
  const [memory] = storages;

  test('slows the guesses, logs them, and answers the token of the same address at once', async () => {
    const options = { tokens: ['first-secret'], failedLogins: '2/1h' };
    await using server = await serveClocked(memory?.url() ?? '', {}, options);
    const ask = (token: string, path = '/ojs/v1/queues') =>
      send(server.url, { path, headers: { authorization: `Bearer ${token}` } });
    expect((await ask('first-secret')).status).toBe(200);
    for (const guess of ['guess-1', 'guess-2']) expectRefusal(await ask(guess), 401, 'unauthenticated');
    let isAnswered = false;
    const began = performance.now();
    const guess = ask('guess-3').then((response) => {
      isAnswered = true;
      return response;
    });
    for (let index = 0; index < 5; index++) expect((await ask('first-secret')).status).toBe(200);
    // An open route reads no token.
    expect((await ask('guess-4', '/health')).status).toBe(200);
    // It waits for a second.
    if (performance.now() - began < 900) expect(isAnswered).toBe(false);
    expectRefusal(await guess, 401, 'unauthenticated');
    const line = expect.objectContaining({
      message: 'login failed',
      address: '127.0.0.1',
      route: 'GET /ojs/v1/queues',
    });
    expect(server.lines).toEqual([line, line]);
    expect(JSON.stringify(server.lines)).not.toContain('guess');
  });
});

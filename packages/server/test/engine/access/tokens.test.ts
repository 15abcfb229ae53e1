import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import type { TokenRequest } from '../../../src/engine/access/tokens.ts';
import { Documents } from '../../../src/engine/documents.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { bench } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const admin: TokenRequest = { name: 'root', roles: ['admin'], queues: ['*'], expiresAt: null, createdBy: null };
const viewer: TokenRequest = { ...admin, name: 'looker', roles: ['viewer'], createdBy: 'somebody' };

describe.each(storages)('tokens on $name', ({ url }) => {
  const it = testWith(() => bench(url()));

  it('a secret is verified once, and only the whole one', async (b) => {
    const { tokens } = b.engine;
    expect(tokens.exist).toBe(false);
    const { record, token } = await tokens.create(admin);
    expect(token).toMatch(/^ojs_[0-9a-f]{16}_[\w-]{43}$/);
    expect(tokens.exist).toBe(true);
    expect(await tokens.verified(token)).toBe(null);
    expect(await tokens.verify(token)).toMatchObject({ id: record.id, roles: ['admin'] });
    expect(await tokens.verified(token)).toMatchObject({ id: record.id });
    for (const wrong of [
      `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
      token.slice(0, -1),
      `${token}x`,
      'ojs_',
      '',
    ])
      expect(await tokens.verify(wrong), wrong).toBe(null);
  });

  it('a secret in use is never verified again; after ten idle minutes it is', async (b) => {
    const { tokens } = b.engine;
    const { token } = await tokens.create(admin);
    await tokens.verify(token);
    for (let minutes = 0; minutes < 30; minutes += 9) {
      b.clock.advance(540_000);
      expect(await tokens.verified(token)).not.toBe(null);
    }
    b.clock.advance(600_000);
    expect(await tokens.verified(token)).toBe(null);
  });

  it('the store has no secret, and a hash by scrypt', async (b) => {
    const { token } = await b.engine.tokens.create(admin);
    const kept = JSON.stringify(await new Documents(b.engine.storage.records).list('token'));
    expect(kept).not.toContain(token.slice(21));
    expect(kept).toContain('scrypt$4096$8$1$');
  });

  it('after a rotation both secrets count until the grace is over', async (b) => {
    const { tokens } = b.engine;
    const first = await tokens.create(admin);
    await tokens.verify(first.token);
    const second = await tokens.rotate(first.record.id, 3_600_000);
    expect(second.token).not.toBe(first.token);
    expect(await tokens.verified(first.token)).not.toBe(null);
    expect(await tokens.verify(second.token)).not.toBe(null);
    b.clock.advance(3_600_001);
    expect(await tokens.verified(first.token)).toBe(null);
    expect(await tokens.verify(first.token)).toBe(null);
    expect(await tokens.verify(second.token)).not.toBe(null);
    const third = await tokens.rotate(first.record.id, 0);
    expect(await tokens.verify(second.token)).toBe(null);
    expect(await tokens.verify(third.token)).not.toBe(null);
  });

  it('a token ends at its time', async (b) => {
    const { tokens } = b.engine;
    await tokens.create(admin);
    const { token } = await tokens.create({ ...viewer, expiresAt: b.clock.now() + 60_000 });
    expect(await tokens.verify(token)).not.toBe(null);
    b.clock.advance(60_000);
    expect(await tokens.verified(token)).toBe(null);
    expect(await tokens.verify(token)).toBe(null);
  });

  it('a revoked token stays listed, and cannot be changed any more', async (b) => {
    const { tokens } = b.engine;
    const { record, token } = await tokens.create(admin);
    await tokens.verify(token);
    await tokens.revoke(record.id);
    expect(await tokens.verified(token)).toBe(null);
    expect(await tokens.verify(token)).toBe(null);
    expect(await tokens.list()).toMatchObject([{ id: record.id, revokedAt: b.clock.now() }]);
    await expect(tokens.rotate(record.id, 0)).rejects.toMatchObject({ code: 'not_found' });
    await expect(tokens.revoke(record.id)).rejects.toMatchObject({ code: 'not_found' });
    expect(tokens.exist).toBe(true);
  });

  it('the first token has to be able to make others', async (b) => {
    const { tokens } = b.engine;
    await expect(tokens.create({ ...viewer, createdBy: null })).rejects.toMatchObject({ code: 'conflict' });
    const ending = { ...admin, expiresAt: b.clock.now() + 60_000 };
    await expect(tokens.create(ending)).rejects.toMatchObject({ code: 'conflict' });
    await expect(tokens.create({ ...admin, queues: ['mail'] })).rejects.toMatchObject({ code: 'conflict' });
    expect(tokens.exist).toBe(false);
    await tokens.create(admin);
    await tokens.create({ ...viewer, createdBy: null });
    expect((await tokens.list()).map(({ name }) => name).toSorted()).toEqual(['looker', 'root']);
  });

  it('another server of the store learns of a revocation within 2 s', async (one) => {
    const storage = Object.create(one.engine.storage, { [Symbol.asyncDispose]: { value: async () => {} } });
    await using other = await bench('', { storage });
    await one.engine.tokens.create(admin);
    const { record, token } = await one.engine.tokens.create(viewer);
    other.clock.advance(2_000);
    expect(await other.engine.tokens.verified(token)).toBe(null);
    expect(await other.engine.tokens.verify(token)).not.toBe(null);
    await one.engine.tokens.revoke(record.id);
    other.clock.advance(2_000);
    expect(await other.engine.tokens.verified(token)).toBe(null);
    expect(other.engine.tokens.isUsable(record.id)).toBe(false);
  });

  it('a server that starts knows whether its store has tokens', async (b) => {
    await b.engine.tokens.create(admin);
    const storage = Object.create(b.engine.storage, { [Symbol.asyncDispose]: { value: async () => {} } });
    await using again = await Engine.start({ storage, clock: b.clock, upkeep: 'manual' });
    expect(again.tokens.exist).toBe(true);
  });
});

test('without an answer of the store for 5 s no token opens anything', async () => {
  const storage = await openStorage('memory:');
  await using b = await bench('', { storage });
  const { tokens } = b.engine;
  const { token } = await tokens.create(admin);
  await tokens.verify(token);
  const { scan } = storage.records;
  const away = Object.assign(storage.records, {
    scan: () => Promise.reject(Object.assign(new Error('away'), { retryable: true })),
  });
  b.clock.advance(4_999);
  expect(await tokens.verified(token)).not.toBe(null);
  b.clock.advance(1);
  await expect(tokens.verified(token)).rejects.toThrow('away');
  Object.assign(away, { scan });
  expect(await tokens.verified(token)).not.toBe(null);
});

test('of many guesses at once a hundred are verified, and the right secret is afterwards', async () => {
  await using b = await bench('memory:');
  const { tokens } = b.engine;
  const { token } = await tokens.create(admin);
  const guess = (number: number) => `${token.slice(0, -4)}${String(number).padStart(4, '0')}`;
  const guesses = await Promise.allSettled(Array.from({ length: 103 }, (_, number) => tokens.verify(guess(number))));
  const refused = guesses.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(refused).toMatchObject(Array(3).fill({ code: 'rate_limited' }));
  expect(await tokens.verify(token)).not.toBe(null);
});

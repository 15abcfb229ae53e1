import { openEmbedded, startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { Admin, OJSPermissionError } from '../../src/index.ts';

test('tokens are made, listed, rotated and revoked; what each did is in the audit log', async () => {
  await using server = await startServer({ storage: 'memory:', port: 0, log: false });
  await using first = new Admin(server.url);
  const root = await first.createToken({ name: 'root', roles: ['admin'] });
  await using admin = new Admin(server.url, { token: root.secret });
  const expiresAt = new Date(Date.now() + 60_000);
  const shop = await admin.createToken({
    name: 'shop',
    roles: ['enqueue', 'viewer'],
    queues: ['mail*'],
    redact: ['args[0].card'],
    expiresAt,
  });
  expect(shop.token).toMatchObject({ name: 'shop', roles: ['enqueue', 'viewer'], queues: ['mail*'], expiresAt });
  const names: string[] = [];
  for await (const token of await admin.listTokens({ limit: 1 })) names.push(token.name);
  expect(names).toEqual(['root', 'shop']);
  const rotated = await admin.rotateToken(shop.token.id, 'PT1H');
  expect(rotated.secret).not.toBe(shop.secret);
  expect(rotated.token.previousUntil).toBeInstanceOf(Date);
  await using holder = new Admin(server.url, { token: shop.secret });
  await expect(holder.listAudit()).rejects.toThrow(OJSPermissionError);
  expect((await admin.revokeToken(shop.token.id)).revokedAt).toBeInstanceOf(Date);
  const entries = [];
  for await (const entry of await admin.listAudit({ type: 'token', limit: 2 })) entries.push(entry);
  expect(entries.map(({ eventType }) => eventType)).toEqual([
    'token.revoked',
    'token.rotated',
    'token.created',
    'token.created',
  ]);
  expect(entries[0]).toMatchObject({ principal: `token_${root.token.id}`, sourceIp: '127.0.0.1', outcome: 'success' });
  expect(JSON.stringify(entries)).not.toContain(shop.secret.slice(21));
  expect(await admin.listAudit({ about: shop.token.id, since: new Date(Date.now() - 60_000) })).toMatchObject({
    hasMore: false,
  });
});

test('an embedded engine has tokens, an audit log and findings too, and asks for no token', async () => {
  await using embedded = await openEmbedded('memory:');
  await using admin = new Admin(embedded);
  await admin.createToken({ name: 'root', roles: ['admin'] });
  expect((await admin.listTokens()).items).toMatchObject([{ name: 'root' }]);
  expect((await admin.listAudit()).items).toMatchObject([{ eventType: 'token.created', principal: 'embedded' }]);
  expect(await admin.diagnose()).toEqual([]);
});

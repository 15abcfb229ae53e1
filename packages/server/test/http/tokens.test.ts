import { type OperationName, operationNames, operations, type Route } from '@ojs-ts/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { send } from '../support/request.ts';
import { fillPath } from '../support/requests/valid-requests.ts';
import { serve } from '../support/server.ts';

const secrets = {
  enqueue: 'enqueue-secret',
  work: 'work-secret',
  cron: 'cron-secret',
  admin: 'admin-secret',
  both: 'both-secret',
  all: 'all-of-it',
};
const scopesOf: Readonly<Record<keyof typeof secrets, readonly string[]>> = {
  enqueue: ['enqueue'],
  work: ['work'],
  cron: ['cron'],
  admin: ['enqueue', 'work', 'cron', 'admin'],
  both: ['enqueue', 'work'],
  all: ['enqueue', 'work', 'cron', 'admin'],
};
const holders = Object.keys(secrets) as readonly (keyof typeof secrets)[];

/** Every route of core's table, by every kind of token. */
describe('tokens', () => {
  let server: RunningServer;
  beforeAll(async () => {
    const tokens = [
      'enqueue:enqueue-secret',
      'work:work-secret',
      'cron:cron-secret',
      'admin:admin-secret',
      'enqueue,work:both-secret',
      'all-of-it',
    ];
    server = await serve({ tokens, testMode: true, failedLogins: '100000/1s' });
  });
  afterAll(() => server.close());

  function ask(name: OperationName, authorization?: string, route: Route = operations[name]) {
    const headers = authorization === undefined ? {} : { authorization };
    const path = fillPath(route, { id: newId(), name: 'q', key: 'k', version: '1' });
    return send(server.url, { method: route.method, path, headers });
  }

  describe.each(operationNames)('%s', (name) => {
    const scopes: readonly string[] = operations[name].scopes;
    const open = scopes.includes('open');

    test.each(holders)('with the token for %s', async (holder) => {
      const response = await ask(name, `Bearer ${secrets[holder]}`);
      if (open || scopesOf[holder].some((scope) => scopes.includes(scope)))
        expect(response.status).toBeOneOf([200, 400, 404]);
      else expectRefusal(response, 403, 'permission_denied');
    });

    test('without a token, or with a wrong one', async () => {
      const wrong = [
        'Bearer',
        'Bearer ',
        'Bearer x',
        'Bearer all-of-i',
        'Bearer all-of-it2',
        'Bearer all-of-it x',
        'Basic all-of-it',
        'all-of-it',
        `Bearer ${'a'.repeat(5_000)}`,
        '',
      ];
      for (const authorization of [undefined, ...wrong]) {
        const response = await ask(name, authorization);
        if (open) expect(response.status).toBe(200);
        else {
          expectRefusal(response, 401, 'unauthenticated');
          expect(response.headers['www-authenticate']).toBe('Bearer');
          expect(response.text).not.toContain('all-of-it');
        }
      }
    });
  });

  test.each(operationNames.filter((name) => operations[name].also))('%s by its other routes', async (name) => {
    const scopes: readonly string[] = operations[name].scopes;
    const open = scopes.includes('open');
    for (const route of operations[name].also ?? []) {
      for (const holder of holders) {
        const response = await ask(name, `Bearer ${secrets[holder]}`, route);
        if (open || scopesOf[holder].some((scope) => scopes.includes(scope)))
          expect(response.status).toBeOneOf([200, 400, 404]);
        else expectRefusal(response, 403, 'permission_denied');
      }
      if (!open) expectRefusal(await ask(name, undefined, route), 401, 'unauthenticated');
    }
  });

  test('crons have a scope of their own: enqueueing is not enough, and with it nothing else is allowed', async () => {
    const post = (path: string, token: string, body: unknown) =>
      send(server.url, {
        method: 'POST',
        path: `/ojs/v1${path}`,
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
    const cron = { name: 'nightly', cron: '0 3 * * *', job: { type: 'report.make', args: [] } };
    const refused = await post('/cron', secrets.both, cron);
    expectRefusal(refused, 403, 'permission_denied');
    expect(refused.text).toContain('lacks the scope cron; it has enqueue, work.');
    expect((await post('/cron', secrets.cron, cron)).status).toBe(201);
    expectRefusal(await post('/jobs', secrets.cron, { type: 'a.b', args: [] }), 403, 'permission_denied');
  });

  test('the scheme is read in any case', async () => {
    expect((await ask('queue.list', 'bEARER   all-of-it')).status).toBe(200);
  });

  test('emptying the store in test mode requires the admin scope', async () => {
    const reset = (token?: string) =>
      send(server.url, {
        method: 'POST',
        path: '/ojs/v1/admin/reset',
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
    expectRefusal(await reset(), 401, 'unauthenticated');
    expectRefusal(await reset(secrets.both), 403, 'permission_denied');
    expect((await reset(secrets.admin)).status).toBe(200);
  });

  test('a page of another origin is refused with a token, too', async () => {
    const headers = { authorization: `Bearer ${secrets.all}`, origin: 'http://evil.test' };
    expectRefusal(await send(server.url, { path: '/ojs/v1/queues', headers }), 403, 'permission_denied');
  });
});

import { Agent } from 'node:http';
import { type Role, rightsOf } from '@ojs-ts/core/access';
import { type OperationName, operationNames, operations, type Route, routeOf, routesOf } from '@ojs-ts/core/operations';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { send } from '../support/request.ts';
import { fillPath } from '../support/requests/valid-requests.ts';
import { serve } from '../support/server.ts';

const rolesOf = {
  viewer: ['viewer'],
  inspector: ['inspector'],
  operator: ['operator'],
  admin: ['admin'],
  enqueue: ['enqueue'],
  work: ['work'],
  cron: ['cron'],
  producer: ['producer'],
  worker: ['worker'],
  both: ['enqueue', 'work'],
  all: ['admin'],
} as const satisfies Record<string, readonly Role[]>;
type Name = keyof typeof rolesOf;
const holders = Object.keys(rolesOf) as readonly Name[];
const secretOf = (name: Name) => (name === 'all' ? 'all-of-it' : `${name}-secret`);

function isAllowed(holder: Name, name: OperationName): boolean {
  const { right } = operations[name];
  return right === 'open' || rolesOf[holder].some((role) => rightsOf[role].includes(right));
}

/** Every route of core's table, by every kind of token. */
describe('tokens', () => {
  const agent = new Agent({ keepAlive: true });
  let server: RunningServer;
  beforeAll(async () => {
    const tokens = holders.map((name) =>
      name === 'all' ? 'all-of-it' : `${rolesOf[name].join(',')}:${secretOf(name)}`,
    );
    server = await serve({ tokens, testMode: true, failedLogins: '100000/1s' });
  });
  afterAll(async () => {
    agent.destroy();
    await server.close();
  });

  function ask(name: OperationName, authorization?: string, route: Route = routeOf(name)) {
    const headers = authorization === undefined ? {} : { authorization };
    const path = fillPath(route, { id: newId(), name: 'q', key: 'k', version: '1' });
    return send(server.url, { method: route.method, path, headers }, { agent });
  }

  describe.each(operationNames)('%s', (name) => {
    const open = operations[name].right === 'open';

    test('with the token of each holder', async () => {
      for (const holder of holders) {
        const response = await ask(name, `Bearer ${secretOf(holder)}`);
        if (isAllowed(holder, name)) expect(response.status, holder).toBeOneOf([200, 400, 404, 409]);
        else expectRefusal(response, 403, 'permission_denied');
      }
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

  test.each(operationNames.filter((name) => routesOf(name).length > 1))('%s by its other routes', async (name) => {
    const open = operations[name].right === 'open';
    for (const route of routesOf(name).slice(1)) {
      for (const holder of holders) {
        const response = await ask(name, `Bearer ${secretOf(holder)}`, route);
        if (isAllowed(holder, name)) expect(response.status).toBeOneOf([200, 400, 404, 409]);
        else expectRefusal(response, 403, 'permission_denied');
      }
      if (!open) expectRefusal(await ask(name, undefined, route), 401, 'unauthenticated');
    }
  });

  test('crons have a role of their own: enqueueing is not enough, and with it nothing else is allowed', async () => {
    const post = (path: string, token: string, body: unknown) =>
      send(server.url, {
        method: 'POST',
        path: `/ojs/v1${path}`,
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
    const cron = { name: 'nightly', cron: '0 3 * * *', job: { type: 'report.make', args: [] } };
    const refused = await post('/cron', secretOf('both'), cron);
    expectRefusal(refused, 403, 'permission_denied');
    expect(refused.text).toContain(
      'This call needs the right `schedule` (role operator, admin or cron). The token has the roles enqueue and work.',
    );
    expect((await post('/cron', secretOf('cron'), cron)).status).toBe(201);
    expectRefusal(await post('/jobs', secretOf('cron'), { type: 'a.b', args: [] }), 403, 'permission_denied');
  });

  test('the scheme is read in any case', async () => {
    expect((await ask('queue.list', 'bEARER   all-of-it')).status).toBe(200);
  });

  test('emptying the store in test mode requires the role admin', async () => {
    const reset = (token?: string) =>
      send(server.url, {
        method: 'POST',
        path: '/ojs/v1/admin/reset',
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
    expectRefusal(await reset(), 401, 'unauthenticated');
    expectRefusal(await reset(secretOf('both')), 403, 'permission_denied');
    expect((await reset(secretOf('admin'))).status).toBe(200);
  });

  test('a page of another origin is refused with a token, too', async () => {
    const headers = { authorization: `Bearer ${secretOf('all')}`, origin: 'http://evil.test' };
    expectRefusal(await send(server.url, { path: '/ojs/v1/queues', headers }), 403, 'permission_denied');
  });
});

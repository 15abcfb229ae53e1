import { type Role, rightsOf, roles } from '@ojs-ts/core/access';
import { type OperationName, operationNames, operations, routeOf } from '@ojs-ts/core/operations';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../../src/index.ts';
import { plantCanaries, snapshot } from '../../support/canaries.ts';
import { newId } from '../../support/ids.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { send } from '../../support/request.ts';
import { fillPath, optionalBodyOf, requestOf } from '../../support/requests/valid-requests.ts';
import { serve } from '../../support/server.ts';
import { loggedIn, ownPage } from './login.ts';

/** Every route of core's table, by the session of every role. */
describe('a session', () => {
  let server: RunningServer;
  const cookies = new Map<Role, string>();
  beforeAll(async () => {
    server = await serve({ tokens: roles.map((role) => `${role}:${role}-secret`) });
    for (const role of roles) cookies.set(role, await loggedIn(server.url, `${role}-secret`));
  });
  afterAll(() => server.close());

  test.each(operationNames)('has the rights of its token: %s', async (name: OperationName) => {
    const { right } = operations[name];
    const { method, path } = routeOf(name);
    const filled = fillPath({ method, path }, { id: newId(), name: 'q', key: 'k', version: '1' });
    for (const role of roles) {
      const headers = { ...ownPage, cookie: cookies.get(role) ?? '' };
      const response = await send(server.url, { method, path: filled, headers });
      if (right === 'open' || rightsOf[role].includes(right)) {
        expect(response.status, role).toBeOneOf([200, 400, 404, 409]);
      } else {
        expectRefusal(response, 403, 'permission_denied');
        expect(response.text).toContain(`This call needs the right \`${right}\``);
      }
    }
  });
});

test('of a viewer changes nothing, with requests that would succeed', async () => {
  await using server = await serve({ engine: { deadAfterMs: 86_400_000 } });
  const canaries = await plantCanaries(server.url);
  const whole = { queues: ['*'], expiresAt: null };
  await server.engine.tokens.create({ ...whole, name: 'root', roles: ['admin'], createdBy: null });
  const { token } = await server.engine.tokens.create({ ...whole, name: 'see', roles: ['viewer'], createdBy: 'root' });
  const cookie = await loggedIn(server.url, token);
  const before = await snapshot(server);
  const changing = operationNames.filter((name) => routeOf(name).method !== 'GET');
  expect(changing.length).toBeGreaterThan(50);
  for (const name of changing) {
    const request = requestOf(name, canaries);
    const optional = optionalBodyOf(name, canaries);
    await send(server.url, {
      ...request,
      headers: { ...ownPage, cookie },
      ...(request.body === undefined && optional && { body: JSON.stringify(optional) }),
    });
  }
  expect(await snapshot(server)).toEqual(before);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { misspelledOf } from '../../server/test/support/requests/misspelling.ts';
import { checkVariables, clientVariables, editDistance } from '../src/index.ts';
import { serverVariables } from '../src/options/options.ts';

const unread = { misspelled: [], unknown: [] };
const variableNames = [...clientVariables, ...serverVariables];
/** As the server reads its environment. */
const check = (env: Readonly<Record<string, string>>) => checkVariables(env, serverVariables);

describe('OJS_* variables', () => {
  test('the ones that are known say nothing', () => {
    expect(check(Object.fromEntries(variableNames.map((name) => [name, 'x'])))).toEqual(unread);
    expect(
      check({ PATH: '/bin', OJS: 'x', ojs_storage: 'x', OJS_TEST_REDIS_URL: 'x', OJS_SECRET_DB_PASSWORD: 'x' }),
    ).toEqual(unread);
  });

  test('a name one letter away from a known one is a misspelling', () => {
    fc.assert(
      fc.property(misspelledOf(variableNames), ({ wrong }) => {
        fc.pre(wrong.startsWith('OJS_'));
        const { misspelled, unknown } = check({ [wrong]: 'x' });
        expect(unknown).toEqual([]);
        expect(misspelled).toHaveLength(1);
        const [found] = misspelled;
        expect(variableNames).toContain(found?.suggestion);
        expect(editDistance(wrong, found?.suggestion ?? '')).toBe(1);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['OJS_STORGE', 'OJS_STORAGE'],
    ['OJS_ALOWED_HOST', 'OJS_ALLOWED_HOSTS'],
    ['OJS_TOKENS', 'OJS_TOKEN'],
  ])('%s is a misspelling of %s', (name, suggestion) => {
    expect(check({ [name]: 'x' })).toEqual({ misspelled: [{ name, suggestion }], unknown: [] });
  });

  test('a client refuses no variable of a server, because it knows only its own names', () => {
    const { misspelled } = checkVariables(Object.fromEntries(serverVariables.map((name) => [name, 'x'])));
    expect(misspelled).toEqual([]);
    expect(checkVariables({ OJS_STORGE: 'x' })).toMatchObject({ misspelled: [], unknown: [{ name: 'OJS_STORGE' }] });
  });

  test.each(['OJS_HOME', 'OJS_NAME', 'OJS_COLOUR', 'OJS_DATABASE_URL'])(
    '%s is unknown, which is no reason not to start',
    (name) => {
      expect(check({ [name]: 'x' })).toMatchObject({ misspelled: [], unknown: [{ name }] });
    },
  );

  test('variables of Kubernetes and Docker links for services named ojs, ojs-server and ojs-queue are ignored', () => {
    const made = ['OJS', 'OJS_SERVER', 'OJS_QUEUE'].flatMap((name) => [
      [`${name}_SERVICE_HOST`, '10.0.0.1'],
      [`${name}_SERVICE_PORT`, '8080'],
      [`${name}_SERVICE_PORT_HTTP`, '8080'],
      [`${name}_PORT`, 'tcp://10.0.0.1:8080'],
      [`${name}_PORT_8080_TCP`, 'tcp://10.0.0.1:8080'],
      [`${name}_PORT_8080_TCP_PROTO`, 'tcp'],
      [`${name}_PORT_8080_TCP_PORT`, '8080'],
      [`${name}_PORT_8080_TCP_ADDR`, '10.0.0.1'],
      [`${name}_ENV_NODE_VERSION`, '24'],
    ]);
    expect(check(Object.fromEntries(made))).toEqual(unread);
  });
});

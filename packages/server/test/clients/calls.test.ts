import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { send } from '../support/request.ts';
import { serve } from '../support/server.ts';

const page = readFileSync(new URL('../../../../docs/internals/clients.md', import.meta.url), 'utf8');

interface Call {
  readonly method: string;
  readonly path: string;
  readonly answered: boolean;
}

/** The calls of a section of docs/internals/clients.md, with identifiers in place of placeholders. */
function callsOf(title: string): readonly Call[] {
  const section = page.split('\n## ').find((one) => one.startsWith(title)) ?? '';
  const rows = [...section.matchAll(/^\| [a-z, ]+ \| (`.+`) \| (answered|404)\b.* \|$/gm)];
  return rows.flatMap(([, calls = '', answer]) =>
    [...calls.matchAll(/`([A-Z]+) (\/[^`]+)`/g)].map(([, method = '', path = '']) => ({
      method,
      path: `${path === '/ojs/manifest' ? '' : '/ojs/v1'}${path.replaceAll(/:\w+/g, 'one')}`,
      answered: answer === 'answered',
    })),
  );
}

describe.each([
  { title: 'Calls of the admin page', answered: 47, missing: 14 },
  { title: 'Calls of the command line', answered: 31, missing: 7 },
])('$title', ({ title, answered, missing }) => {
  const calls = callsOf(title);

  test('are all in docs/internals/clients.md', () => {
    const [there, others] = [calls.filter((call) => call.answered), calls.filter((call) => !call.answered)];
    expect([there.length, others.length]).toEqual([answered, missing]);
  });

  // A token is asked for where there is something, and nowhere else.
  test('reach a route, or get a 404 that says that there is none', async () => {
    await using server = await serve({ tokens: ['a-long-secret'] });
    for (const call of calls) {
      const { method, path } = call;
      const { status, headers, text } = await send(server.url, { method, path });
      const open = path === '/ojs/manifest' || path === '/ojs/v1/health';
      expect([path, status]).toEqual([path, call.answered ? (open ? 200 : 401) : 404]);
      if (call.answered) continue;
      expect(headers['content-type']).toBe('application/openjobspec+json');
      expect(JSON.parse(text)).toMatchObject({
        error: { code: 'not_found', message: `There is no route ${method} ${path}.`, details: { method, path } },
      });
    }
  });
});

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asked, Ojs, steady } from '../support/ojs.ts';
import { fail } from '../support/work.ts';

const big = '[12345678901234567890,1.0e3,"tab\\tand \\u009b[2J"]';

test('a job by hand: its text goes out and comes back untouched', async () => {
  await using one = await asked();
  const made = await one.ojs.run(
    'enqueue',
    'email.send',
    big,
    '--queue',
    'mail',
    '--meta',
    'tenant=acme',
    '--priority',
    '5',
  );
  expect(made).toMatchObject({ code: 0, errors: '' });
  expect(steady(made.output)).toBe(`Job ${'ID'.padEnd(36, '.')} is available in mail.\n`);
  const id = made.output.split(' ')[1] ?? '';
  const shown = await one.ojs.run('jobs', 'show', id);
  expect(steady(shown.output)).toMatchInlineSnapshot(`
    "id  ID..................................
    type  email.send
    queue  mail
    state  available
    attempt  0 of 3
    priority  5
    created_at  TIME (0s)
    enqueued_at  TIME (0s)
    args  [12345678901234567890,1.0e3,"tab\\tand \\u009b[2J"]
    meta  {"tenant":"acme"}
    "
  `);
  const { output } = await one.ojs.run('jobs', 'show', id, '--json');
  expect(output).toContain('"args":[12345678901234567890,1.0e3,"tab\\tand \\u009b[2J"]');
  const listed = await one.ojs.run('jobs', 'list', '--ndjson');
  expect(listed.output.trimEnd().split('\n')).toHaveLength(1);
  expect(listed.output).toContain('12345678901234567890');
});

test('lists say how much they leave out, and go on with --all', async () => {
  await using one = await asked();
  await one.client.enqueueBatch(
    Array.from({ length: 450 }, (_, n) => ({ type: 'a.b', args: [n], queue: n < 3 ? 'few' : 'many' })),
  );
  const page = await one.ojs.run('jobs', 'list', '--limit', '2');
  expect(page.output.split('\n')[0]).toMatch(/^ID +TYPE +QUEUE +STATE +ATTEMPT +AGE +LAST ERROR$/);
  expect(page.output.trimEnd().split('\n')).toHaveLength(3);
  const rest = 'These are 2 of 450; --limit or --all shows more.\n';
  expect(page.errors).toBe(rest);
  expect((await one.ojs.run('jobs', 'list', '--limit', '2', '--ndjson')).errors).toBe(rest);
  const all = await one.ojs.run('jobs', 'list', '--all', '--json');
  expect(JSON.parse(all.output)).toHaveLength(450);
  const lines = await one.ojs.run('jobs', 'export', '--queue', 'few');
  expect(
    lines.output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).queue),
  ).toEqual(['few', 'few', 'few']);
  expect((await one.ojs.run('jobs', 'list', '--queue', 'none')).output).toBe('No jobs.\n');
  const oldest = await one.ojs.run('jobs', 'list', '--queue', 'few', '--order', 'asc', '--ndjson');
  expect(
    oldest.output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).args),
  ).toEqual([[0], [1], [2]]);
  const unsorted = await one.ojs.run('jobs', 'list', '--sort', 'priority');
  expect(unsorted).toMatchObject({ code: 1, errors: expect.stringContaining('cannot sort these jobs by priority') });
});

test('a query finds jobs, together with the other filters', async () => {
  await using one = await asked();
  await one.client.enqueueBatch([
    { type: 'a.b', args: [{ user: 42 }], queue: 'mail' },
    { type: 'a.c', args: [{ user: 42 }], queue: 'web' },
    { type: 'a.d', args: [{ user: 7 }], queue: 'mail' },
  ]);
  const typesOf = async (...args: readonly string[]) => {
    const { output, errors } = await one.ojs.run('jobs', ...args);
    expect(errors).toBe('');
    return output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).type]));
  };
  expect(await typesOf('list', '--ndjson', '--query', 'args[0].user=42')).toEqual(['a.c', 'a.b']);
  expect(await typesOf('list', '--ndjson', '--query', 'args[0].user=42', '--queue', 'mail')).toEqual(['a.b']);
  expect(await typesOf('export', '--query', 'args[0].user>7 OR type:a.d')).toEqual(['a.d', 'a.c', 'a.b']);
  const wrong = await one.ojs.run('jobs', 'list', '--query', 'stat:active');
  expect(wrong.code).not.toBe(0);
  expect(wrong.errors).toContain('unknown field "stat"');
  expect(wrong.errors).toContain('Did you mean state?');
  // A caret below the query; what would steer the terminal is escaped in each line.
  const pointed = await one.ojs.run('jobs', 'list', '--query', 'state:faild');
  expect(pointed.errors).toMatch(/Did you mean failed\?\nstate:faild\n {6}\^\n$/);
  const steering = await one.ojs.run('jobs', 'list', '--query', 'stat\u202e:active');
  expect(steering.errors).toMatch(/\nstat\\u202e:active\n\^\n$/);
});

test('retry by a filter: counted first, asked, then done', async () => {
  await using one = await asked();
  await fail(one.server.url, 30, 'timeout');
  await fail(one.server.url, 3, 'other');
  const filter = ['--state', 'discarded', '--error-type', 'timeout'];
  expect(await one.ojs.run('jobs', 'retry', ...filter, '--dry-run')).toEqual({
    code: 0,
    output: '30 jobs would be changed.\n',
    errors: '',
  });
  const refused = await one.ojs.run('jobs', 'retry', ...filter);
  expect(refused).toEqual({
    code: 2,
    output: '',
    errors:
      'ojs jobs retry: Shall I retry 30 jobs? Nobody can be asked here: say --yes to go on. Nothing was changed.\n',
  });
  expect(
    (await one.ojs.run('jobs', 'list', '--state', 'discarded', '--json', '--all')).output.match(/"id"/g),
  ).toHaveLength(33);
  expect(await one.ojs.run('jobs', 'retry', ...filter, '--yes')).toEqual({
    code: 0,
    output: '30 jobs retried.\n',
    errors: '',
  });
  expect((await one.client.queueStats('failing-timeout')).discarded).toBe(0);
});

test('on a terminal the question is asked, and a no changes nothing', async () => {
  await using one = await asked();
  await one.client.enqueueBatch([{ type: 'a.b', args: [] }]);
  const no = await one.ojs.onTerminal('n', 'jobs', 'cancel', '--type', 'a.b');
  expect(no.output).toContain('Shall I cancel 1 job?');
  expect(no.output).toContain('ojs jobs cancel: Nothing was changed.');
  expect(no.code).toBe(1);
  const left = await one.ojs.onTerminal('\u0003', 'jobs', 'cancel', '--type', 'a.b');
  expect(left.code).toBe(130);
  expect((await one.ojs.run('jobs', 'list', '--state', 'available', '--ndjson')).output).toContain('a.b');
  const yes = await one.ojs.onTerminal('y', 'jobs', 'cancel', '--type', 'a.b');
  expect(yes.output).toContain('1 job cancelled.');
  expect(yes.code).toBe(0);
});

test('jobs by id: each that stays says why', async () => {
  await using one = await asked();
  const { id } = await one.client.enqueue('a.b', []);
  const missing = '01900000-0000-7000-8000-000000000000';
  const ended = await one.ojs.run('jobs', 'cancel', id, missing);
  expect(ended).toMatchObject({ code: 1, output: '1 job cancelled.\n' });
  expect(ended.errors).toContain(missing);
  expect(await one.ojs.run('jobs', 'delete', id)).toMatchObject({ code: 2 });
  expect(await one.ojs.run('jobs', 'delete', id, '--yes', '--json')).toEqual({
    code: 0,
    output: '{"deleted":1,"failed":0,"errors":[]}\n',
    errors: '',
  });
});

test('more jobs than one call takes', async () => {
  await using one = await asked();
  const jobs = Array.from({ length: 10_050 }, () => ({ type: 'a.b', args: [], queue: 'many' }));
  for (let at = 0; at < jobs.length; at += 1_000) await one.client.enqueueBatch(jobs.slice(at, at + 1_000));
  expect(await one.ojs.run('jobs', 'cancel', '--queue', 'many', '--yes')).toEqual({
    code: 0,
    output: '10,050 jobs cancelled.\n',
    errors: '',
  });
});

test('an empty name is refused, because it would mean every job', async () => {
  await using one = await asked();
  const { id } = await one.client.enqueue('a.b', []);
  await one.client.cancelJob(id);
  const refused = await one.ojs.run('jobs', 'delete', '--queue', '', '--yes');
  expect(refused).toMatchObject({ code: 2, output: '' });
  expect(refused.errors).toContain('Expected a text, got an empty one.');
  expect(await one.ojs.run('enqueue', 'a.b', '--max-attempts', 'abc')).toMatchObject({ code: 2 });
  expect((await one.client.getJob(id)).state).toBe('cancelled');
});

test('a reader that has enough ends the command', async () => {
  await using one = await asked();
  const args = ['x'.repeat(10_000)];
  await one.client.enqueueBatch(Array.from({ length: 500 }, () => ({ type: 'a.b', args })));
  const piped = await one.ojs.inBash('set -o pipefail; ojs jobs export | head -n 1 | wc -l');
  expect(piped).toMatchObject({ code: 0, output: '1\n' });
});

test('a backup whose reader goes away is no success', async () => {
  using ojs = new Ojs();
  const storage = `sqlite:${join(ojs.home, 'jobs.db')}`;
  await ojs.run('migrate', '--storage', storage);
  for (let count = 0; count < 3; count++)
    await ojs.run('enqueue', 'a.b', JSON.stringify(['x'.repeat(90_000)]), '--storage', storage);
  const cut = await ojs.inBash(`set -o pipefail; ojs backup --storage '${storage}' | head -c 1 > /dev/null`);
  expect(cut.code).toBe(1);
});

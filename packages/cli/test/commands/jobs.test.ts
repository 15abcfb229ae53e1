import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { newJob } from '../../../server/test/support/engine.ts';
import { asked, Ojs, steady } from '../support/ojs.ts';

const big = '[12345678901234567890,1.0e3,"tab\\tand \\u009b[2J"]';
const it = testWith(asked);

it('a job by hand: its text goes out and comes back untouched', async (one) => {
  const made = await one.ojs.run(
    'enqueue',
    'email.send',
    big,
    ...'--queue mail --meta tenant=acme --priority 5'.split(' '),
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

it('an ended job runs again as a new one, with other arguments', async (one) => {
  const old = await one.client.enqueue('a.b', [1], { queue: 'mail', priority: 2 });
  await one.client.cancelJob(old.id);
  const { output, errors } = await one.ojs.run('jobs', 'rerun', old.id, '--args', big, '--priority', '5');
  const id = 'ID'.padEnd(36, '.');
  expect([errors, steady(output)]).toEqual(['', `Job ${id} runs again as job ${id}, available in mail.\n`]);
  const shown = await one.ojs.run('jobs', 'show', /as job (\S+),/.exec(output)?.[1] ?? '', '--json');
  expect(shown.output).toContain(`"args":${big}`);
  expect(JSON.parse(shown.output).job).toMatchObject({ priority: 5, meta: { 'ojs.rerun_of': old.id } });
  const wrong = await one.ojs.run('jobs', 'rerun', old.id, '--args', '{}');
  expect([wrong.code, wrong.errors]).toEqual([2, expect.stringContaining('Expected the arguments as a JSON array')]);
});

it('a waiting job is changed and promoted', async (one) => {
  const { id } = await one.client.enqueue('a.b', [1], { queue: 'mail', delay: '1h' });
  const changes = ['--priority', '-5', '--args', big, '--at', '2h', '--max-attempts', '2', '--meta', 'by=ops'];
  const edited = await one.ojs.run('jobs', 'edit', id, ...changes, '--if-state', 'scheduled', '--json');
  expect(edited.errors).toBe('');
  expect(edited.output).toContain(`"args":${big}`);
  expect(JSON.parse(edited.output)).toMatchObject({ priority: -5, max_attempts: 2, meta: { by: 'ops' } });
  expect((await one.ojs.run('jobs', 'promote', id)).output).toBe('1 job promoted.\n');
  expect((await one.ojs.run('jobs', 'edit', id, '--at', 'now')).output).toBe(
    `Job ${id} is changed, available in mail.\n`,
  );
  const other = await one.ojs.run('jobs', 'edit', id, '--priority', '1', '--if-state', 'scheduled');
  expect([other.code, other.errors]).toEqual([1, expect.stringContaining('The state of the job is available')]);
  const none = await one.ojs.run('jobs', 'edit', id);
  expect([none.code, none.errors]).toEqual([2, expect.stringContaining('Expected a change')]);
});

it('lists say how much they leave out, and go on with --all', async (one) => {
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

it('a query finds jobs, together with the other filters', async (one) => {
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
  expect(pointed.errors).toMatch(/Did you mean failed\?\nstate:faild\n {6}\^\n {2}http\S+#invalid_request\n$/);
  const steering = await one.ojs.run('jobs', 'list', '--query', 'stat\u202e:active');
  expect(steering.errors).toMatch(/\nstat\\u202e:active\n\^\n {2}http/);
});

it('on a terminal the question is asked, and a no changes nothing', async (one) => {
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

it('jobs by id: each that stays says why', async (one) => {
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

it('more jobs than one call takes', async (one) => {
  const jobs = Array.from({ length: 10_050 }, () => ({ type: 'a.b', args: [], queue: 'many' }));
  for (let at = 0; at < jobs.length; at += 1_000) await one.client.enqueueBatch(jobs.slice(at, at + 1_000));
  expect(await one.ojs.run('jobs', 'cancel', '--queue', 'many', '--yes')).toEqual({
    code: 0,
    output: '10,050 jobs cancelled.\n',
    errors: '',
  });
});

it('a search of many jobs shows on a terminal how far it came', async (one) => {
  const now = Date.now();
  const jobs = Array.from({ length: 10_500 }, () => [newJob(now, { type: 'a.b' })]);
  await one.server.engine.storage.jobs.insert(jobs, now);
  const { output, code } = await one.ojs.onTerminal('', 'jobs', 'list', '--query', 'error~nothing');
  expect(code).toBe(0);
  expect(output).toMatch(/█+░* \d+% {2}Looked through [\d,]+ of about 10,500 jobs, 0 match/);
  expect(output).toMatch(/No jobs\.\r\n$/);
});

it('a bulk operation: counted by a query, stopped and resumed', async (one) => {
  const jobs = Array.from({ length: 30 }, (_, n) => ({ type: 'a.b', args: [{ n }], queue: 'many' }));
  await one.client.enqueueBatch(jobs);
  const query = ['--query', 'queue:many args[0].n<10'];
  expect(await one.ojs.run('jobs', 'cancel', ...query, '--dry-run', '--json')).toMatchObject({
    code: 0,
    output: expect.stringMatching(/^{"dry_run":true,"action":"cancel","matched":10,.*}\n$/),
  });
  const slow = one.ojs.apart('jobs', 'discard', '--queue', 'many', '--rate', '1/m', '--yes');
  const running = async () => {
    const [first] = JSON.parse((await one.ojs.run('bulk', 'list', '--json', '--limit', '1')).output);
    return first.action === 'discard' && first.changed === 1 ? first.id : null;
  };
  await expect.poll(running).toEqual(expect.any(String));
  const id = await running();
  expect((await one.ojs.run('bulk', 'stop', id)).output).toBe(`Operation ${id} is stopped: 1 job changed.\n`);
  expect(await slow).toEqual({ code: 1, output: '1 job discarded; the operation was stopped.\n', errors: '' });
  expect((await one.ojs.run('bulk', 'resume', id)).output).toBe(`Operation ${id} is running.\n`);
  expect(await one.ojs.run('bulk', 'undo', id, '--yes')).toMatchObject({
    code: 1,
    errors: expect.stringContaining('stop it first'),
  });
  expect(await one.ojs.run('bulk', 'show', '01900000-0000-7000-8000-000000000000')).toMatchObject({ code: 3 });
});

it('many jobs get another start and other arguments, whose text stays as typed', async (one) => {
  const jobs = Array.from({ length: 3 }, () => ({ type: 'a.b', args: [1], queue: 'mail', delay: '1h' as const }));
  await one.client.enqueueBatch(jobs);
  const run = (...words: readonly string[]) => one.ojs.run('jobs', ...words, '--queue', 'mail', '--yes');
  expect((await run('reschedule', '--in', '2h')).output).toBe('3 jobs rescheduled.\n');
  const edited = await run('edit', '--args', big, '--priority', '4', '--json');
  expect(edited.output).toContain(`"changes":{"args":${big},"priority":4}`);
  expect(JSON.parse(edited.output)).toMatchObject({ state: 'done', changed: 3, undo: { possible: false } });
  const shown = await one.ojs.run('bulk', 'show', JSON.parse(edited.output).id);
  expect(steady(shown.output)).toContain(`changes  {"args":${big},"priority":4}`);
});

it('Ctrl+C leaves a bulk operation running, and says how to watch it', async (one) => {
  await one.client.enqueueBatch(Array.from({ length: 3 }, () => ({ type: 'a.b', args: [] })));
  const begun = expect.poll(async () => (await one.client.queueStats('default')).cancelled).toBe(1);
  const left = await one.ojs.interrupted(begun, 'jobs', 'cancel', '--type', 'a.b', '--rate', '1/m', '--yes');
  expect(left).toMatchObject({ code: 130, output: '' });
  const [, id = ''] = /ojs bulk stop (\S+)\.$/m.exec(left.errors) ?? [];
  expect(left.errors).toContain(`Watch it: ojs bulk show ${id} --watch.`);
  expect(JSON.parse((await one.ojs.run('bulk', 'show', id, '--json')).output)).toMatchObject({ state: 'running' });
});

it('a terminal shows how far a bulk operation is', async (one) => {
  await one.client.enqueueBatch(Array.from({ length: 4 }, () => ({ type: 'a.b', args: [] })));
  const { output, code } = await one.ojs.onTerminal('', 'jobs', 'cancel', '--type', 'a.b', '--rate', '2/s', '--yes');
  expect(output).toMatch(/█+░* (?:25% {2}1|50% {2}2|75% {2}3) of 4 jobs, [12]s left/);
  expect(output).toContain('4 jobs cancelled.');
  expect(code).toBe(0);
});

test('jobs of one storage are changed without a server', async () => {
  using ojs = new Ojs();
  const storage = ['--storage', `sqlite:${join(ojs.home, 'jobs.db')}`];
  await ojs.run('migrate', ...storage);
  for (let count = 0; count < 2; count++) await ojs.run('enqueue', 'a.b', '[]', '--at', '2h', ...storage);
  expect(await ojs.run('jobs', 'promote', '--type', 'a.b', '--yes', ...storage)).toEqual({
    code: 0,
    output: '2 jobs promoted.\n',
    errors: '',
  });
  const [first, second] = JSON.parse((await ojs.run('jobs', 'list', '--json', ...storage)).output);
  expect([first.state, second.state]).toEqual(['available', 'available']);
  expect(await ojs.run('jobs', 'discard', first.id, second.id, ...storage)).toMatchObject({
    output: '2 jobs discarded.\n',
  });
  expect(await ojs.run('jobs', 'promote', first.id, ...storage)).toMatchObject({
    code: 1,
    output: '0 jobs promoted.\n',
    errors: '1 job stayed as before: only scheduled and retryable jobs can be promoted.\n',
  });
});

it('an empty name is refused, because it would mean every job', async (one) => {
  const { id } = await one.client.enqueue('a.b', []);
  await one.client.cancelJob(id);
  const refused = await one.ojs.run('jobs', 'delete', '--queue', '', '--yes');
  expect(refused).toMatchObject({ code: 2, output: '' });
  expect(refused.errors).toContain('Expected a text, got an empty one.');
  expect(await one.ojs.run('enqueue', 'a.b', '--max-attempts', 'abc')).toMatchObject({ code: 2 });
  expect((await one.client.getJob(id)).state).toBe('cancelled');
});

it('a reader that has enough ends the command', async (one) => {
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

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { DurableWorker, sleeping } from '../../../server/test/binding/workers/durable.ts';
import { type Asked, asked } from '../support/ojs.ts';

const it = testWith(asked);
const waiting = (name: string, number: number, more: object = {}) => ({
  ...{ name, kind: 'signal', state: 'open', number },
  ...more,
});

/** A job that waits, suspended, in these steps. */
async function suspended({ server }: Asked, ...steps: readonly { readonly name: string; readonly kind: string }[]) {
  const worker = new DurableWorker(server.url);
  const id = await worker.enqueue();
  const job = await worker.take();
  await worker.record(job, ...steps);
  await worker.suspend(job, { waits: steps.map(({ name, kind }) => ({ name, kind })) });
  return { id, next: () => worker.take() };
}

it('a signal wakes a job, with the payload as it was typed', async (one) => {
  const { id, next } = await suspended(one, waiting('approval', 1));
  const shown = await one.ojs.run('jobs', 'show', id);
  expect(shown.output).toMatch(/waits for {2,}signal approval$/m);
  const sent = await one.ojs.run('jobs', 'signal', id, 'approval', '{"n":1.50}', '--id', 's1');
  expect(sent).toEqual({ code: 0, output: `Job ${id} is available: its wait for the signal is over.\n`, errors: '' });
  expect((await one.ojs.run('jobs', 'steps', id, '--values')).output).toMatch(
    /approval +signal +open +its signal has come +signal approval +\{"n":1\.50\}/,
  );
  const again = await one.ojs.run('jobs', 'signal', id, 'approval', '--id', 's1');
  expect(again.output).toBe('A signal with the id s1 was sent before, so nothing has changed.\n');
  expect((await next()).x_steps?.rows).toMatchObject([{ name: 'approval', value: { n: 1.5 } }]);
});

it('a signal that nobody waits for is kept, and the nearest name is suggested', async (one) => {
  const steps = [waiting('approval', 1), waiting('paid', 2, { token: 'order:42' })];
  const { id } = await suspended(one, ...steps);
  const { output } = await one.ojs.run('jobs', 'signal', id, 'aproval');
  expect(output).toBe(
    `The signal is kept until job ${id} reads it.\n` +
      'The job waits for the signal "approval", the token "order:42". Did you mean approval?\n',
  );
  expect((await one.ojs.run('jobs', 'steps', id)).output).toMatch(/paid +signal .*token order:42/);
  const woken = await one.ojs.run('jobs', 'signal', '--token', 'order:42', '7', '--json');
  expect(JSON.parse(woken.output)).toMatchObject({ status: 200, outcome: 'woken', job_id: id });
  const kept = await one.ojs.run('jobs', 'signal', '--token', 'order:43', '--expires', '1h', '--queue', 'default');
  expect(kept.output).toBe('The signal is kept until a job waits for its token.\n');
});

it('the payload is read from a file or from standard input', async (one) => {
  const { id } = await suspended(one, waiting('a', 1), waiting('b', 2));
  const file = join(one.ojs.home, 'payload.json');
  writeFileSync(file, '{"from":"file"}\n');
  expect(await one.ojs.run('jobs', 'signal', id, 'a', `@${file}`)).toMatchObject({ code: 0, errors: '' });
  expect(await one.ojs.piped('["piped"]', 'jobs', 'signal', id, 'b', '-')).toMatchObject({ code: 0, errors: '' });
  const { output } = await one.ojs.run('jobs', 'steps', id, '--values');
  expect(output).toContain('{"from":"file"}');
  const refused = async (...words: readonly string[]) => (await one.ojs.run('jobs', 'signal', ...words)).errors;
  expect(await refused(id, 'a', 'yes')).toContain(`Write a text with its quotes, such as '"yes"'.`);
  expect(await refused(id, 'a', '@none.json')).toContain('There is no file none.json.');
  expect(await refused(id)).toContain('Expected JOB NAME [PAYLOAD], or --token TOKEN [PAYLOAD].');
  expect(await refused(id, 'a', '--expires', '1h')).toContain('--expires belongs to --token');
  expect(await refused(id, 'a', '1', '2')).toContain('Expected JOB NAME [PAYLOAD], got 4 arguments.');
  expect(await refused('--token', 't', 'a', 'b')).toContain('Expected only a payload with --token');
  expect(await one.ojs.run('jobs', 'signal', 'none', 'a')).toMatchObject({ code: 3 });
});

it('a wake ends the waits that it names', async (one) => {
  const { id, next } = await suspended(one, waiting('approval', 1), sleeping('cool, down', 2, 60_000));
  const wrong = await one.ojs.run('jobs', 'wake', id, '--name', 'cool down');
  expect(wrong).toMatchObject({ code: 1, errors: expect.stringContaining('Did you mean "cool, down"?') });
  expect(await one.ojs.run('jobs', 'wake', id, '--name', 'cool, down')).toEqual({
    code: 0,
    output: `Job ${id} is available.\n`,
    errors: '',
  });
  expect((await next()).x_steps?.rows.map(({ name, due }) => [name, due])).toEqual([
    ['approval', undefined],
    ['cool, down', true],
  ]);
  const active = await one.ojs.run('jobs', 'wake', id);
  expect(active).toMatchObject({ code: 1, errors: expect.stringContaining('does not wait in a durable step') });
});

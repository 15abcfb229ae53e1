import { readFileSync } from 'node:fs';
import { Client, chain, httpTransport } from '@ojs-ts/sdk';
import { type RunningServer, startServer } from '@ojs-ts/server';
import { describe, expect, test } from 'vitest';
import { storages } from '../../server/test/support/storages.ts';
import { Ojs } from './support/ojs.ts';
import { fail } from './support/work.ts';

const rules = readFileSync(new URL('../../../deploy/prometheus/rules.yaml', import.meta.url), 'utf8');
const page = readFileSync(new URL('../../../docs/operate/operator-tasks.md', import.meta.url), 'utf8');
const commands = new Map(
  [...page.matchAll(/^\| ([A-Z][^|]+) \| `((?:ojs|curl) [^`]+)` \|/gm)].map(([, task = '', command = '']) => [
    task,
    // Within a table.
    command.replaceAll('\\|', '|'),
  ]),
);

type Run = (task: string, words: Readonly<Record<string, string>>, as: Ojs) => Promise<string>;

/** What the page's command prints of a job that Ada has deleted, and the id of her token. */
async function deletion(url: string, run: Run, root: Ojs): Promise<{ readonly ada: string; readonly entries: string }> {
  const { id } = JSON.parse((await root.run('enqueue', 'mail.send', '--json')).output);
  await root.run('jobs', 'cancel', id);
  const { output } = await root.run('tokens', 'create', 'ada', '--role', 'admin');
  using ada = new Ojs({ OJS_BACKEND_URL: url, OJS_AUTH_TOKEN: /^token +(\S+)$/m.exec(output)?.[1] ?? '' });
  expect((await ada.run('jobs', 'delete', id, '--yes')).output).toBe('1 job deleted.\n');
  const entries = await run('Ask who cancelled or deleted a job', { JOB: id }, root);
  return { ada: /^id +(\S+)$/m.exec(output)?.[1] ?? '', entries };
}

/** What the words in capitals are, and what each command prints. */
async function scene(server: RunningServer) {
  await using client = new Client(server.url);
  await using wire = httpTransport(server.url);
  const post = async (operation: 'worker.fetch' | 'worker.nack' | 'worker.ack' | 'worker.heartbeat', body: object) =>
    JSON.parse((await wire.call({ operation, body: JSON.stringify(body) })).text);
  await fail(server.url, 300, 'CardDeclined');
  const declined = await client.enqueue('pay.now', [{ user: 7 }], { queue: 'pay', retry: { maxAttempts: 1 } });
  const [claimed] = (await post('worker.fetch', { queues: ['pay'], worker_id: 'till' })).jobs;
  await post('worker.nack', {
    job_id: claimed.id,
    error: { type: 'Refused', message: 'The card declined it: card declined.' },
  });
  const wanted = await client.enqueue('mail.send', [{ user: 42 }], { queue: 'mail', meta: { tenant: 'acme' } });
  await client.enqueue('mail.send', [{ user: 43 }], { queue: 'mail', meta: { tenant: 'other' } });
  const cancelled = await client.enqueue('mail.send', [], { queue: 'mail' });
  await client.cancelJob(cancelled.id);
  const later = await client.enqueue('mail.send', [], { queue: 'later', delay: '1h' });
  await client.enqueue('done.job', [], { queue: 'done' });
  const [done] = (await post('worker.fetch', { queues: ['done'], worker_id: 'till' })).jobs;
  await post('worker.ack', { job_id: done.id });
  await post('worker.heartbeat', { worker_id: 'bad', active_jobs: [], queues: ['other'] });
  const limits = [{ key: 'api-key', concurrency: 1 }];
  const holder = await client.enqueue('call.api', [], { queue: 'api', limits });
  await post('worker.fetch', { queues: ['api'], worker_id: 'stuck' });
  const single = await client.enqueue('call.api', ['once'], { queue: 'single', unique: { keys: ['type', 'args'] } });
  await client.registerCronJob('nightly', '0 3 * * *', 'report.make');
  const workflow = await client.workflow(
    chain('steps', [
      { type: 'first.step', args: [] },
      { type: 'second.step', args: [] },
    ]),
  );
  return { wanted, declined, cancelled, later, workflow, holder, single };
}

describe.each(storages.filter(({ name }) => name !== 'memory'))('on $name', ({ name, url }) => {
  test('every task is one command', async () => {
    // The worker sends one heartbeat, and is listed until the end.
    const options = { port: 0, log: false, engine: { deadAfterMs: 3_600_000 } } as const;
    await using server = await startServer({ ...options, storage: url(), tokens: ['a-root-secret'] });
    await using open = await startServer({ ...options, storage: url() });
    const { wanted, declined, cancelled, later, workflow, holder, single } = await scene(open);
    using ojs = new Ojs({ OJS_BACKEND_URL: open.url });
    using root = new Ojs({ OJS_BACKEND_URL: server.url, OJS_AUTH_TOKEN: 'a-root-secret' });
    const done = new Set<string>();
    /** Runs the command of a task as the page has it. */
    async function run(task: string, words: Readonly<Record<string, string>> = {}, as: Ojs = ojs): Promise<string> {
      const command = commands.get(task);
      if (command === undefined) throw new Error(`The page has no task “${task}”.`);
      done.add(task);
      const filled = Object.entries(words).reduce((text, [word, value]) => text.replace(word, value), command);
      // As it is typed on one storage; on the others a process of its own for each command would find nothing more.
      const isPlain = name !== 'sqlite' && /^ojs [^|;&<>$]*$/.test(filled);
      const wordsOf = [...filled.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
      const { code, output, errors } = await (isPlain ? as.run(...wordsOf.slice(1)) : as.inBash(filled));
      // The doctor ends with 1 for an error: the PostgreSQL of the tests does not sync.
      const isFine = code === 0 || (command === 'ojs doctor' && code === 1);
      expect([filled, isFine ? 0 : code, errors]).toEqual([filled, 0, '']);
      return output;
    }
    expect(await run('Find jobs by an argument')).toContain(wanted.id);
    expect(await run('Find jobs by the text of their error')).toContain(declined.id);
    expect(await run('Find the jobs of a tenant')).toContain(wanted.id);
    expect(await run('Ask which tenant has the most jobs')).toMatch(/^acme +1 /m);
    expect(await run('Find the jobs that hold unique keys', { TYPE: 'call.api' })).toContain(single.id);
    expect(await run('Ask why a job does not run', { JOB: wanted.id })).toMatch(/no live worker|workers/i);
    expect(await run('Ask what is wrong')).toContain('unread_queue');
    const errors = await run('See which errors are the most frequent');
    const [fingerprint = ''] = /^[0-9a-f]{16} +300 .*CardDeclined/m.exec(errors)?.[0].split(' ') ?? [];
    expect(await run('Run all failures of one error again', { FINGERPRINT: fingerprint })).toBe('300 jobs retried.\n');
    expect(await run('See which workers live, and what they run')).toContain('bad');
    expect(await run('Stop a bad worker', { WORKER: 'bad' })).toContain('bad');
    expect(await run('See which jobs hold the slots of a limit', { KEY: 'api-key' })).toContain(holder.id);
    expect(await run('Free a key that is stuck', { KEY: 'api-key' })).toContain('1 slot of api-key is free.');
    expect(await run('Change a limit', { KEY: 'api-key' })).toMatch(/running +0\/5/);
    expect(await run('Give a limit its own numbers back', { KEY: 'api-key' })).toContain('api-key');
    const runs = await run('See the next runs across a change of the clocks');
    expect(runs).toMatch(/^2027-03-28T02:30:00 +skipped: the clocks go forward/m);
    expect(await run('Run a cron now', { CRON: 'nightly' })).toContain('nightly');
    expect(await run('See a workflow with its steps', { WORKFLOW: workflow.id })).toContain('second.step');
    expect(await run('See a workflow as a graph', { WORKFLOW: workflow.id })).toMatch(/· waiting +0$/m);
    expect(await run('See how long the oldest job of each queue waits')).toMatch(/^mail .* \d+[sm]$/m);
    // From the first second on; the server counts whole ones.
    const ages = async () => run('See the number behind an alert on the age of a backlog');
    await expect.poll(ages).toMatch(/^ojs_queue_oldest_seconds\{queue="mail"\} [^0]/m);
    expect(rules).toMatch(/alert: OjsBacklogOld\n +expr: max by \(queue\) \(ojs_queue_oldest_seconds\) > 300 /);
    expect(await run('See the last hour')).toMatch(/\d{2}:\d{2}/);
    expect(await run('See the percentiles of the last hour')).toMatch(/^wait, last hour +p50 .* p95 .* p99 /m);
    expect(await run('Delete what a queue has finished', { QUEUE: 'done' })).toBe('1 job deleted.\n');
    expect((await run('Export the jobs of a queue', { QUEUE: 'mail' })).trim().split('\n')).toHaveLength(3);
    expect(await run('Run an ended job again, with other arguments', { JOB: cancelled.id })).toContain('available');
    expect(await run('Let a waiting job start before others', { JOB: wanted.id })).toContain(wanted.id);
    expect(await run('Start a scheduled job now', { JOB: later.id })).toBe('1 job promoted.\n');
    expect(await run('Ask who cancelled or deleted a job', { JOB: cancelled.id })).toContain('job.cancelled');
    const { ada, entries } = await deletion(server.url, run, root);
    expect(entries).toMatch(/^ *\d+s +job\.bulk_deleted +token_[0-9a-f]{16} +127\.0\.0\.1 +success/m);
    expect(entries).toContain(` token_${ada} `);
    expect(await run('See whose token an entry of the audit log names', {}, root)).toMatch(
      new RegExp(`^${ada} +ada +admin`, 'm'),
    );
    expect(await run('See how many jobs a cancel would end', { QUEUE: 'mail' })).toBe('3 jobs would be cancelled.\n');
    await ojs.run('jobs', 'cancel', '--queue', 'mail', '--yes');
    const [bulk] = JSON.parse((await ojs.run('bulk', 'list', '--json', '--limit', '1')).output);
    expect(await run('See who changed many jobs at once')).toMatch(/^\S+ +cancel +done +3 +3 .* queue:mail$/m);
    expect(await run('Undo a wrong bulk cancel', { BULK: bulk.id })).toBe('3 jobs undone.\n');
    await fail(open.url, 1, 'Gone', 'dead_letter');
    expect(await run('Run the dead letter again, slowly', { QUEUE: 'failing-gone' })).toBe('1 job retried.\n');
    expect(await run('Wait until a queue is empty', { QUEUE: 'pay' })).toBe('Queue pay is empty.\n');
    await ojs.run('queues', 'configure', 'mail', '--create', '--concurrency', '3');
    await ojs.run('queues', 'configure', 'mail', '--concurrency', '9');
    const before = JSON.parse(await run('See the settings that a queue had before', { QUEUE: 'mail' }));
    expect(before[0].detail).toMatchObject({ before: { concurrency: 3 }, after: { concurrency: 9 } });
    const entry: string = before[0].id;
    expect(await run('Give a queue the settings back that it had', { QUEUE: 'mail', ENTRY: entry })).toMatch(
      /^concurrency +9 +3$/m,
    );
    expect(await run('Stop the start of jobs for a change of the database')).toContain('migration');
    const token = await run('Let a colleague look and change nothing', {}, root);
    const id = /^id +(\S+)$/m.exec(token)?.[1] ?? '';
    expect(await run('Change the secret of a token', { TOKEN: id }, root)).toContain('old secret until');
    expect([...commands.keys()].filter((task) => !done.has(task))).toEqual([]);
    expect(commands.size).toBeGreaterThanOrEqual(20);
  });
});

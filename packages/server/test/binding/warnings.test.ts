import { afterAll, describe, expect, test } from 'vitest';
import { expectRefusal } from '../support/refusal.ts';
import { send } from '../support/request.ts';
import { serve } from '../support/server.ts';

const server = await serve();
afterAll(() => server.close());

interface Warning {
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | null;
}

async function post(path: string, body: object, headers: Readonly<Record<string, string>> = {}, method = 'POST') {
  const response = await send(server.url, { method, path: `/ojs/v1${path}`, headers, body: JSON.stringify(body) });
  return { ...response, body: JSON.parse(response.text) };
}

const strict = { prefer: 'handling=strict' };
const job = { type: 'a.b', args: [{ prioritty: 1 }], meta: { delay_untill: 1 }, options: { queue: 'warned' } };
const wrong = {
  prioritty: 5,
  ...job,
  x_mine: 1,
  options: {
    ...job.options,
    delay_untill: '2030-01-01T00:00:00Z',
    retry: { max_atempts: 2 },
    unique: { kyes: ['type'], on_conflict: 'ignore' },
  },
};
const told: readonly Omit<Warning, 'message'>[] = [
  { path: '$.prioritty', suggestion: 'priority' },
  { path: '$.options.delay_untill', suggestion: 'delay_until' },
  { path: '$.options.retry.max_atempts', suggestion: 'max_attempts' },
  { path: '$.options.unique.kyes', suggestion: 'keys' },
];
const within = (at: string) => told.map(({ path, ...rest }) => ({ path: path.replace('$', at), ...rest }));

describe('members of a job that the protocol does not know', () => {
  test('are kept as sent, and reported beside the job', async () => {
    const { status, body } = await post('/jobs', wrong);
    expect([status, body.warnings]).toMatchObject([201, told]);
    expect(body.warnings[0].message).toBe('unknown member; it has no effect. Did you mean priority?');
    expect(body.job).toMatchObject({ prioritty: 5, x_mine: 1, priority: 0, state: 'available' });
  });

  test('without any the answer is the same: warnings are the last member, and nothing else changes', async () => {
    const id = '0190a0a0-0000-7000-8000-00000000';
    const plain = await post('/jobs', { ...job, id: `${id}0001`, x_mine: 1 });
    expect(plain.body).not.toHaveProperty('warnings');
    const other = await post('/jobs', { ...job, id: `${id}0002`, x_mine: 1, prioritty: 5 });
    const [before, after = ''] = other.text.split(',"warnings":');
    expect(after).toMatch(/^\[\{"path":"\$\.prioritty".*\}\]\}$/);
    const same = (text: string) =>
      text.replaceAll(/00000002/g, '00000001').replace(/"(created|enqueued)_at":"[^"]*"/g, '');
    expect(same(`${before}}`.replace(',"prioritty":5', ''))).toBe(same(plain.text));
  });

  test('a repeated call gets the same warnings', async () => {
    const key = { 'idempotency-key': 'warned-1' };
    const first = await post('/jobs', wrong, key);
    const again = await post('/jobs', wrong, key);
    expect(again.body.job.id).toBe(first.body.job.id);
    expect(again.body.warnings).toEqual(first.body.warnings);
    const bulk = { jobs: [wrong], atomicty: 'atomic' };
    const [one, two] = [
      await post('/jobs/bulk', bulk, { 'idempotency-key': 'b' }),
      await post('/jobs/bulk', bulk, { 'idempotency-key': 'b' }),
    ];
    expect(one.body.warnings).toMatchObject([{ path: '$.atomicty', suggestion: 'atomicity' }]);
    expect(two.body).toEqual(one.body);
  });

  test('of a batch, a bulk, a workflow and a cron say in which job', async () => {
    const batch = await post('/jobs/batch', { jobs: [job, wrong], job: [] });
    expect([batch.status, batch.body.warnings]).toMatchObject([
      201,
      [{ path: '$.job', suggestion: 'jobs' }, ...within('$.jobs[1]')],
    ]);
    const bulk = await post('/jobs/bulk', { jobs: [job, wrong] });
    expect(bulk.body.items[0]).not.toHaveProperty('warnings');
    expect(bulk.body.items[1].warnings).toMatchObject(within('$.jobs[1]'));
    const steps = [
      { id: 'a', ...job },
      { id: 'b', depends_on: ['a'], name: 'n', ...wrong },
    ];
    const workflow = await post('/workflows', { name: 'w', steps, option: {} });
    expect([workflow.status, workflow.body.warnings]).toMatchObject([
      201,
      [...within('$.steps[1]'), { path: '$.option', suggestion: 'options' }],
    ]);
    const cron = await post('/cron', { name: 'c', cron: '@daily', overlap: 'skip', job_template: wrong });
    expect([cron.status, cron.body.warnings]).toMatchObject([
      201,
      [{ path: '$.overlap', suggestion: 'overlap_policy' }, ...within('$.job_template')],
    ]);
  });

  test('Prefer: handling=strict refuses them, and enqueues nothing', async () => {
    const refused = await post('/jobs', wrong, strict);
    expectRefusal(refused, 400, 'invalid_request');
    expect(refused.headers['preference-applied']).toBe('handling=strict');
    expect(refused.body.error.details.validation_errors).toMatchObject(told);
    expect(refused.body.error.message).toMatch(
      /: unknown member; Prefer: handling=strict refuses it\. Did you mean \w+\?$/,
    );
    for (const [path, body] of [
      ['/jobs/batch', { jobs: [job, wrong] }],
      ['/workflows', { steps: [wrong] }],
      ['/cron', { name: 'strict', cron: '@daily', job_template: wrong }],
    ] as const) {
      expectRefusal(
        await post(path, body, { prefer: 'return=minimal, Handling="strict"; wait=1' }),
        400,
        'invalid_request',
      );
    }
    const partial = await post('/jobs/bulk', { jobs: [job, wrong] }, strict);
    expect([partial.status, partial.body.succeeded, partial.body.items[1].error.code]).toEqual([
      207,
      1,
      'invalid_request',
    ]);
    const atomic = await post('/jobs/bulk', { jobs: [job, wrong], atomicity: 'atomic' }, strict);
    expect([atomic.status, atomic.body.succeeded]).toEqual([422, 0]);
    const fine = await post('/jobs', { ...job, ext_ml_gpu_count: 1 }, strict);
    expect([fine.status, fine.headers['preference-applied']]).toEqual([201, 'handling=strict']);
    expect((await post('/jobs', wrong, { prefer: 'handling=lenient' })).body.warnings).toMatchObject(told);
  });

  test('at most 20 are reported', async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`unknown-${index}`, index]));
    const { status, body } = await post('/jobs', { ...job, ...many });
    expect([status, body.warnings.length]).toEqual([201, 20]);
    expect(body.job['unknown-4999']).toBe(4_999);
  });
});

test('queue configuration is refused with the name that is meant, and nothing is changed', async () => {
  const refused = await post('/queues/z/config', { concurency: 2, max_size: 5 }, {}, 'PUT');
  expectRefusal(refused, 400, 'invalid_request');
  expect(refused.body.error.message).toBe(
    '$.concurency: unknown member; nothing was changed. Did you mean concurrency?',
  );
  const shown = await send(server.url, { path: '/ojs/v1/queues/z/config' });
  expect(JSON.parse(shown.text)).toMatchObject({ concurrency: null, max_size: null });
  // What was answered may come back.
  expect((await post('/queues/z/config', JSON.parse(shown.text), {}, 'PUT')).status).toBe(200);
});

test('unknown filters are refused; those of published clients get a warning', async () => {
  const list = (query: string, headers = {}) => send(server.url, { path: `/ojs/v1/jobs${query}`, headers });
  const refused = await list('?error=x&tag=y&stat=active');
  expectRefusal(refused, 400, 'invalid_request');
  expect(JSON.parse(refused.text).error.details.validation_errors).toMatchObject([
    { path: 'query.error' },
    { path: 'query.tag' },
    { path: 'query.stat', suggestion: 'state' },
  ]);
  expect(JSON.parse((await list('?state=compleetd')).text).error.message).toMatch(/Did you mean completed\?/);
  const sorted = await list('?queue=q&state=active&page=1&per_page=20&sort=created_at&order=desc', strict);
  expect([sorted.status, JSON.parse(sorted.text).warnings]).toEqual([200, undefined]);
  const log = (headers = {}) => send(server.url, { path: '/ojs/v1/events?since=2020-01-01T00:00:00Z', headers });
  expect(JSON.parse((await log()).text).warnings).toMatchObject([{ path: 'query.since' }]);
  expectRefusal(await log(strict), 400, 'invalid_request');
  expectRefusal(await send(server.url, { path: '/ojs/v1/events/stream?event_type=job.*' }), 400, 'invalid_request');
  expectRefusal(await send(server.url, { path: '/ojs/v1/jobs/x/progress/stream?after=1' }), 400, 'invalid_request');
});

test('since and until narrow a list of jobs by when they were created', async () => {
  const list = async (query: string) => JSON.parse((await send(server.url, { path: `/ojs/v1/jobs?${query}` })).text);
  await post('/jobs', { ...job, options: { queue: 'dated' } });
  expect((await list('queue=dated&since=2020-01-01T00:00:00Z')).jobs).toHaveLength(1);
  expect((await list('queue=dated&until=2020-01-01T00:00:00Z')).jobs).toEqual([]);
});

test.each(['X-OJS-Tenant', 'X-OJS-Tenant-ID'])('%s is refused: this server has no tenants', async (header) => {
  const refused = await post('/jobs', job, { [header]: 'acme' });
  expectRefusal(refused, 422, 'unsupported');
  expect(refused.body.error.message).toBe(
    `${header.toLowerCase()}: this server has no tenants, and would show the jobs of all. Leave the header out, or run a server for each tenant.`,
  );
});

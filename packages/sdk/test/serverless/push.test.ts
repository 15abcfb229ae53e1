import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DiscardError, defineJob, type JobContext, JobTimeoutError, SnoozeError } from '../../src/index.ts';
import {
  azureHandlers,
  cloudflareHandler,
  fetchHandler,
  lambdaHandler,
  PushWorker,
  type PushWorkerOptions,
} from '../../src/serverless/index.ts';
import { gate } from '../support/bench.ts';
import { keepingLogger } from '../support/log.ts';

const id = '01234567-89ab-7cde-8000-000000000001';

/** The body of ojs-serverless §2.2. */
function delivery(job: object = {}, rest: object = {}) {
  return {
    job: { specversion: '1.0', id, type: 'email.send', queue: 'default', args: [{ to: 'ann' }], attempt: 1, ...job },
    worker_id: 'push_worker_01234567',
    delivery_id: 'del_01234567-89ab-7cde-8000-000000000001',
    ...rest,
  };
}

function workerWith(handler: (ctx: JobContext) => unknown, options: PushWorkerOptions = {}): PushWorker {
  return new PushWorker({ logger: keepingLogger(), ...options }).register('email.send', handler);
}

async function post(
  worker: PushWorker,
  body: unknown,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetchHandler(worker)(
    new Request('https://fn.example/', { method: 'POST', body: text, ...init }),
  );
  return { status: response.status, body: await response.json() };
}

test('a durable step says that it needs a worker', async () => {
  const worker = workerWith((ctx) => ctx.step('first', () => 1));
  expect((await post(worker, delivery())).body).toMatchObject({
    status: 'failed',
    error: { message: expect.stringMatching('^Durable steps need a Worker') },
  });
});

describe('a delivery over HTTP', () => {
  test('a pushed job runs with a worker’s context, and its result is the answer', async () => {
    let seen: unknown;
    const worker = workerWith((ctx) => {
      seen = {
        id: ctx.jobId,
        type: ctx.jobType,
        queue: ctx.queue,
        args: ctx.args,
        attempt: ctx.attempt,
        raw: [ctx.job.raw.specversion, ctx.job.raw.delivery_id],
      };
      return { message_id: 'msg_123' };
    });
    expect(await post(worker, delivery())).toEqual({
      status: 200,
      body: { status: 'completed', result: { message_id: 'msg_123' } },
    });
    expect(seen).toEqual({
      id,
      type: 'email.send',
      queue: 'default',
      args: [{ to: 'ann' }],
      attempt: 1,
      raw: ['1.0', 'del_01234567-89ab-7cde-8000-000000000001'],
    });
  });

  test.each([
    ['no result', () => undefined, { status: 'completed' }],
    ['a result that is no JSON', () => 1n, { status: 'failed', error: { code: 'invalid_result', retryable: false } }],
    [
      'an error',
      () => Promise.reject(new TypeError('refused')),
      { status: 'failed', error: { code: 'handler_error', type: 'TypeError', message: 'refused', retryable: true } },
    ],
    [
      'nothing thrown',
      () => Promise.reject(null),
      { status: 'failed', error: { code: 'handler_error', message: expect.any(String), retryable: true } },
    ],
    [
      'DiscardError',
      () => Promise.reject(new DiscardError('never')),
      { status: 'failed', error: { message: 'never', retryable: false } },
    ],
    [
      'SnoozeError',
      () => Promise.reject(new SnoozeError('10m')),
      { status: 'failed', error: { code: 'snooze', retryable: true }, requeue: true, delay_ms: 600_000 },
    ],
  ])('%s', async (_name, handler, body) => {
    expect(await post(workerWith(handler), delivery())).toMatchObject({ status: 200, body });
  });

  test('the timeout of the job aborts the signal and ends the wait', async () => {
    let reason: unknown;
    const worker = workerWith(
      (ctx) =>
        new Promise(() => {
          ctx.signal.addEventListener('abort', () => {
            reason = ctx.signal.reason;
          });
        }),
    );
    expect(await post(worker, delivery({ timeout_ms: 20 }))).toMatchObject({
      body: { status: 'failed', error: { code: 'timeout', retryable: true } },
    });
    expect(reason).toBeInstanceOf(JobTimeoutError);
  });

  test('a job without a handler fails retryably, so that a deployment loses no job', async () => {
    expect(
      await post(
        workerWith(() => 1),
        delivery({ type: 'other.job' }),
      ),
    ).toMatchObject({ status: 200, body: { status: 'failed', error: { code: 'handler_not_found', retryable: true } } });
  });

  test('middleware, callbacks and typed jobs work as in a worker', async () => {
    const trace: string[] = [];
    const worker = new PushWorker({
      logger: keepingLogger(),
      onJobCompleted: (ctx) => trace.push(`completed ${ctx.jobId}`),
    });
    worker.middleware(async (_ctx, next) => {
      trace.push('before');
      const result = await next();
      trace.push('after');
      return result;
    });
    const send = defineJob<'email.send', [{ to: string }], string>('email.send');
    worker.register(send, ({ args: [{ to }] }) => to);
    expect(await post(worker, delivery())).toMatchObject({ body: { status: 'completed', result: 'ann' } });
    expect(trace).toEqual(['before', 'after', `completed ${id}`]);
  });

  test('a repeated delivery shares one execution; another delivery of the job supersedes it', async () => {
    const { opened, open } = gate();
    let runs = 0;
    const worker = workerWith(async () => {
      runs++;
      await opened;
      return runs;
    });
    const first = post(worker, delivery());
    const same = post(worker, delivery());
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toBe(1);
    const newer = post(worker, delivery({}, { delivery_id: 'del_2' }));
    expect(await first).toMatchObject({ body: { status: 'failed', error: { code: 'superseded', retryable: true } } });
    expect(await same).toMatchObject({ body: { error: { code: 'superseded' } } });
    open();
    expect(await newer).toMatchObject({ body: { status: 'completed', result: 2 } });
  });

  test.each([
    ['no JSON', '{', 'The body is no JSON.'],
    ['no object', '[]', 'The body is no JSON object'],
    ['an empty body', '', 'The body is no JSON.'],
    ['a job that is none', { job: 7 }, 'job: expected an object.'],
    ['no id', delivery({ id: 7 }), 'job.id: expected a text.'],
    ['a wrong type', delivery({ type: 'No Type' }), 'job.type: expected lower-case words'],
    ['args of the wrong kind', delivery({ args: {} }), 'job.args: expected an array.'],
    ['a bare job without args', { id, type: 'a.b' }, 'args: expected an array.'],
  ])('%s gets 400 with the reason', async (_name, body, message) => {
    const answer = await post(
      workerWith(() => 1),
      body,
    );
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_payload', retryable: false } } });
    expect(JSON.stringify(answer.body)).toContain(message);
  });

  test('another method gets 405', async () => {
    const response = await fetchHandler(workerWith(() => 1))(new Request('https://fn.example/'));
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('signatures', () => {
  const body = JSON.stringify(delivery());
  const sign = (secret: string, text: string) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
  const now = String(Math.floor(Date.now() / 1000));
  const worker = workerWith(() => 1, { signingSecret: ['new', 'old'] });

  test.each([
    ['over the body', { 'x-ojs-signature': sign('new', body) }],
    ['with the secret from before', { 'x-ojs-signature': sign('old', body) }],
    ['with a timestamp', { 'x-ojs-signature': sign('new', `${now}.${body}`), 'x-ojs-timestamp': now }],
    ['several at once', { 'x-ojs-signature': `${sign('gone', body)}, ${sign('old', body)}` }],
  ])('%s is accepted', async (_name, headers) => {
    expect((await post(worker, body, { headers })).status).toBe(200);
  });

  test.each([
    ['none', {}],
    ['of another secret', { 'x-ojs-signature': sign('other', body) }],
    ['of another body', { 'x-ojs-signature': sign('new', `${body} `) }],
    ['no hexadecimal', { 'x-ojs-signature': 'sha256=zz' }],
    ['an old one again', { 'x-ojs-signature': sign('new', `1708030665.${body}`), 'x-ojs-timestamp': '1708030665' }],
    ['no timestamp', { 'x-ojs-signature': sign('new', `x.${body}`), 'x-ojs-timestamp': 'x' }],
  ])('%s gets 401', async (_name, headers) => {
    expect(await post(worker, body, { headers })).toMatchObject({ status: 401, body: { error: { retryable: false } } });
  });

  test('an empty secret is refused', () => {
    expect(() => new PushWorker({ signingSecret: '' })).toThrow(
      'signingSecret: expected the secret of the sender, got an empty text',
    );
  });
});

describe('AWS Lambda', () => {
  const record = (messageId: string, body: unknown, group?: string) => ({
    messageId,
    receiptHandle: 'AQEB…',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1',
      SenderId: 'A',
      ApproximateFirstReceiveTimestamp: '1',
      ...(group && { MessageGroupId: group }),
    },
    messageAttributes: {},
    md5OfBody: 'x',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:1:ojs',
    awsRegion: 'eu-central-1',
  });
  const job = (n: number, fate = 'well') => ({
    id: `${id.slice(0, -1)}${n}`,
    type: 'email.send',
    queue: 'default',
    args: [fate],
    attempt: 1,
  });
  const ran: string[] = [];
  const handler = ({ args: [fate], jobId }: JobContext) => {
    ran.push(jobId.slice(-1));
    if (fate === 'failing') throw new Error('failing');
    if (fate === 'discarding') throw new DiscardError('no');
    if (fate === 'snoozing') throw new SnoozeError('1m');
  };

  test('SQS: the batch response lists only messages to deliver again', async () => {
    const event = {
      Records: [
        record('m1', job(1)),
        record('m2', job(2, 'failing')),
        record('m3', delivery({ id: job(3).id, args: ['well'] })),
        record('m4', 'no job'),
        record('m5', job(5, 'discarding')),
        record('m6', job(6, 'snoozing')),
      ],
    };
    expect(await lambdaHandler(workerWith(handler))(event, { getRemainingTimeInMillis: () => 30_000 })).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm2' }, { itemIdentifier: 'm4' }, { itemIdentifier: 'm6' }],
    });
  });

  test('SQS: after a failure the rest of a FIFO group goes back without running', async () => {
    ran.length = 0;
    const event = {
      Records: [
        record('m1', job(1), 'a'),
        record('m2', job(2, 'failing'), 'a'),
        record('m3', job(3), 'b'),
        record('m4', job(4), 'a'),
        record('m5', job(5), 'b'),
      ],
    };
    expect(await lambdaHandler(workerWith(handler))(event)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm2' }, { itemIdentifier: 'm4' }],
    });
    expect(ran.toSorted()).toEqual(['1', '2', '3', '5']);
  });

  test('SQS: a job that would outlast the function ends as a timeout before', async () => {
    const worker = workerWith(() => new Promise(() => {}));
    expect(
      await lambdaHandler(worker)({ Records: [record('m1', job(1))] }, { getRemainingTimeInMillis: () => 1_020 }),
    ).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
  });

  test.each([
    [
      'a function URL',
      {
        version: '2.0',
        rawPath: '/',
        headers: { 'content-type': 'application/json' },
        requestContext: { http: { method: 'POST' } },
      },
    ],
    ['a REST API', { resource: '/', path: '/', httpMethod: 'POST', headers: null, requestContext: {} }],
  ])('HTTP by %s, in base64 too', async (_name, event) => {
    const respond = lambdaHandler(workerWith(() => 'é'));
    const body = JSON.stringify(delivery());
    const expected = {
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"status":"completed","result":"é"}',
    };
    expect(await respond({ ...event, body, isBase64Encoded: false })).toEqual(expected);
    expect(await respond({ ...event, body: Buffer.from(body).toString('base64'), isBase64Encoded: true })).toEqual(
      expected,
    );
    expect(await respond({ ...event, body: null })).toMatchObject({ statusCode: 400 });
    expect(
      await respond({ ...event, body, httpMethod: 'GET', requestContext: { http: { method: 'GET' } } }),
    ).toMatchObject({ statusCode: 405 });
  });

  test('HTTP: header names are case-insensitive', async () => {
    const body = JSON.stringify(delivery());
    const signature = `sha256=${createHmac('sha256', 's').update(body).digest('hex')}`;
    const respond = lambdaHandler(workerWith(() => 1, { signingSecret: 's' }));
    expect(await respond({ httpMethod: 'POST', headers: { 'X-OJS-Signature': signature }, body })).toMatchObject({
      statusCode: 200,
    });
    expect(await respond({ httpMethod: 'POST', headers: {}, body })).toMatchObject({ statusCode: 401 });
  });
});

test('Azure: HTTP and Service Bus', async () => {
  const { http, serviceBus } = azureHandlers(
    workerWith(({ args: [fate] }) => (fate === 'failing' ? Promise.reject(new Error('failing')) : 'done')),
  );
  const request = new Request('https://fn.example/api/ojs', { method: 'POST', body: JSON.stringify(delivery()) });
  expect(await http(request)).toEqual({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"status":"completed","result":"done"}',
  });
  const { job } = delivery();
  await serviceBus(job);
  await serviceBus(JSON.stringify(job));
  await expect(serviceBus({ ...job, args: ['failing'] })).rejects.toThrow(
    'The message goes back to the queue: failing',
  );
  await expect(serviceBus({ no: 'job' })).rejects.toThrow('id: expected a text.');
});

test('Cloudflare Queues: each message is acked or retried by itself, after the time that a snooze says', async () => {
  const worker = workerWith(({ args: [fate] }) => {
    if (fate === 'failing') throw new Error('failing');
    if (fate === 'snoozing') throw new SnoozeError(1_500);
  });
  const settled: unknown[] = [];
  const message = (name: string) => ({
    id: name,
    timestamp: new Date(),
    attempts: 1,
    body: delivery({ id: `${id}-${name}`, args: [name] }),
    ack: () => settled.push([name, 'ack']),
    retry: (options?: object) => settled.push([name, 'retry', options]),
  });
  await cloudflareHandler(worker).queue({ messages: ['well', 'failing', 'snoozing'].map(message) });
  expect(settled.toSorted()).toEqual([
    ['failing', 'retry', undefined],
    ['snoozing', 'retry', { delaySeconds: 2 }],
    ['well', 'ack'],
  ]);
});

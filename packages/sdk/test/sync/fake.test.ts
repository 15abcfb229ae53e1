import type { Answer, Call } from '@ojs-ts/core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Fake, setFakeSource } from '../../src/connection/fake.ts';
import { chain, JobNotFoundError, OJSConnectionError } from '../../src/index.ts';
import { SyncClient } from '../../src/sync/index.ts';

let fake: Fake | null = null;
// The first source of the process stays, and files share a process: this one takes the place of whichever is there, and
// gives it back.
const key = Symbol.for('@ojs-ts/sdk.fake');
const before: unknown = Reflect.get(globalThis, key);
beforeAll(() => {
  Reflect.deleteProperty(globalThis, key);
  setFakeSource({ current: () => fake });
});
afterAll(() => {
  Reflect.set(globalThis, key, before);
});
afterEach(() => {
  fake = null;
});

const json = (status: number, body: object): Answer => ({ status, text: JSON.stringify(body), headers: {} });
const refusal = (status: number, code: string, details = {}) =>
  json(status, { error: { code, message: code, details } });

/** A fake that gives its answers in turn, and keeps what it was asked. */
function scripted(...answers: ((call: Call) => Answer)[]): readonly Call[] {
  const calls: Call[] = [];
  fake = {
    answer(call) {
      calls.push(call);
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`nothing to answer ${call.operation}`);
      return answer(call);
    },
  };
  return calls;
}

function answers(source: Fake | null): Fake['answer'] {
  return (call) => source?.answer(call) ?? jobOf(call);
}

const nowhere = () =>
  new SyncClient('http://127.0.0.1:1', { requestRetry: { minBackoff: 1, maxBackoff: 1, maxRetries: 3 } });
const jobOf = ({ body = '{}' }: Call) => json(201, { job: { ...JSON.parse(body), state: 'available' } });

test('in fake mode a sync client is answered without thread or network (ojs-testing §5)', () => {
  const threads = () => Reflect.get(process.report.getReport(), 'workers').length;
  const before = threads();
  const calls = scripted(jobOf, () => refusal(404, 'not_found'));
  const client = nowhere();
  expect(client.enqueue('email.send', ['a'])).toMatchObject({ type: 'email.send', args: ['a'], outcome: 'created' });
  expect(() => client.getJob('x')).toThrow(JobNotFoundError);
  expect(calls.map(({ operation }) => operation)).toEqual(['job.enqueue', 'job.get']);
  expect(threads()).toBe(before);
  fake = null;
  expect(() => client.getJob('x', { requestTimeout: '2m' })).toThrow(OJSConnectionError);
  expect(threads()).toBe(before + 1);
  client.close();
});

test('a call with an unknown outcome is repeated and finds its own job', () => {
  let id = '';
  const calls = scripted(
    (call) => {
      id = JSON.parse(call.body ?? '{}').id;
      return refusal(503, 'backend_unavailable');
    },
    () => refusal(409, 'duplicate', { existing_job_id: id }),
    () => json(200, { job: { id, type: 'a.b', state: 'active' } }),
  );
  expect(nowhere().enqueue('a.b', [])).toMatchObject({ id, state: 'active', outcome: 'created' });
  expect(calls.map(({ operation, idempotencyKey }) => [operation, idempotencyKey])).toEqual([
    ['job.enqueue', id],
    ['job.enqueue', id],
    ['job.get', undefined],
  ]);
});

test('a repeated batch finds all its jobs', () => {
  const ids: string[] = [];
  scripted(
    (call) => {
      for (const { id } of JSON.parse(call.body ?? '{}').jobs) ids.push(id);
      return refusal(500, 'backend_error');
    },
    () => refusal(409, 'duplicate', { existing_job_id: ids[1] }),
    ({ params }) => json(200, { job: { id: params?.id, type: 'a.b', state: 'available' } }),
    ({ params }) => json(200, { job: { id: params?.id, type: 'a.b', state: 'available' } }),
  );
  const requests = [1, 2].map((n) => ({ type: 'a.b', args: [n] }));
  expect(
    nowhere()
      .enqueueBatch(requests)
      .map(({ id }) => id),
  ).toEqual(ids);
});

test('an error while looking for the first outcome is the error of the call', () => {
  let id = '';
  scripted(
    (call) => {
      id = JSON.parse(call.body ?? '{}').id;
      return refusal(503, 'backend_unavailable');
    },
    () => refusal(409, 'duplicate', { existing_job_id: id }),
    () => refusal(403, 'permission_denied'),
  );
  expect(() => nowhere().enqueue('a.b', [])).toThrow('permission_denied');
});

test('the traits of a fake are not kept for the server', () => {
  const manifest = (limits: object) => () => json(200, { limits });
  const created = ({ body = '{}' }: Call) => json(201, { workflow: { ...JSON.parse(body), state: 'running' } });
  const calls = scripted(manifest({}), created, manifest({ max_workflow_nesting: 5 }), created);
  const client = nowhere();
  for (let n = 0; n < 2; n++) client.workflow(chain('c', [{ type: 'a.b', args: [] }]));
  expect(calls.map(({ operation }) => operation)).toEqual([
    'system.manifest',
    'workflow.create',
    'system.manifest',
    'workflow.create',
  ]);
});

test('a server without a manifest gets steps with depends_on', () => {
  const calls = scripted(
    () => refusal(404, 'not_found'),
    ({ body = '{}' }) => json(201, { workflow: { ...JSON.parse(body), state: 'running' } }),
  );
  const steps = [
    { type: 'a.b', args: [] },
    { type: 'a.c', args: [] },
  ];
  expect(
    nowhere()
      .workflow(chain('c', steps))
      .steps.map(({ dependsOn }) => dependsOn),
  ).toEqual([[], ['0']]);
  expect(calls.map(({ operation }) => operation)).toEqual(['system.manifest', 'workflow.create']);
});

test('inline mode is refused before the job is enqueued', () => {
  const calls = scripted(jobOf);
  fake = { answer: answers(fake), settle: async () => {}, runsHandlers: true };
  expect(() => nowhere().enqueue('a.b', [])).toThrow(/inline mode.*drain/);
  expect(calls).toEqual([]);
  fake = { ...fake, runsHandlers: false };
  expect(nowhere().enqueue('a.b', []).outcome).toBe('created');
});

import { ProtocolError, uuidIn, uuidv7 } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import type { NewNode } from '@ojs-ts/core/workflow';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { redisStorage } from '../../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { startRedis } from '../../../support/redis.ts';
import { cronsOf } from '../../crons-of.ts';
import {
  claim,
  get,
  idOf,
  ids,
  insert,
  insertGroup,
  insertOne,
  limitOf,
  newJob,
  newWorkflow,
  queue,
  t0,
  to,
} from '../../suite/tools.ts';
import { server } from '../namespace.ts';
import { newPrefix, openSharded, urlOf } from './stores.ts';

const emails = (number: number, patch: Parameters<typeof newJob>[1] = {}) =>
  newJob(number, { queue: 'emails', ...patch });
const reports = (number: number, patch: Parameters<typeof newJob>[1] = {}) =>
  newJob(number, { queue: 'reports', ...patch });

const opened: Storage[] = [];
afterEach(async () => {
  for (const storage of opened.splice(0)) await storage[Symbol.asyncDispose]();
});

async function open(): Promise<Storage> {
  const storage = await openSharded('home:emails;b:reports;rest:*');
  opened.push(storage);
  return storage;
}

/** Sees which namespaces with the prefix get a command. */
async function watch(url: string, prefix: string) {
  const client = new Redis(url);
  const monitor = await client.monitor();
  const seen = new Set<string>();
  let end = '';
  let ended = () => {};
  monitor.on('monitor', (_: string, words: readonly string[]) => {
    if (words.includes(end)) ended();
    for (const word of words) {
      const [, key] = word.split(prefix, 2);
      if (key !== undefined) seen.add(/^\w+/.exec(key)?.[0] ?? '');
    }
  });
  return {
    /** Those since the last call. */
    async names(): Promise<readonly string[]> {
      end = uuidv7();
      const passed = new Promise<void>((resolve) => {
        ended = resolve;
      });
      await client.echo(end);
      await passed;
      const names = [...seen].sort();
      seen.clear();
      return names;
    },
    async [Symbol.asyncDispose]() {
      monitor.disconnect();
      client.disconnect();
    },
  };
}

async function faultOf(call: Promise<unknown>): Promise<ProtocolError> {
  const error: unknown = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (error instanceof ProtocolError) return error;
  throw new Error('The call was not refused.', { cause: error });
}

describe.skipIf(server === null)('across namespaces', () => {
  test('a job beside records of another namespace is refused, and nothing of the call is written', async () => {
    const storage = await open();
    const record = { kind: 'kind', key: 'a', version: 1, createdAt: t0, updatedAt: t0, body: '1' };
    const fault = await faultOf(storage.records.commit([{ puts: [record], job: reports(1) }], t0));
    expect(fault.code).toBe('unsupported');
    expect(fault.message).toMatch(/in namespace \S+home, and queue reports is in namespace \S+b:/);
    expect(await storage.records.get([record])).toEqual([null]);
    expect(await storage.records.commit([{ puts: [record], job: emails(1) }], t0)).toEqual([true]);
    expect(ids(await claim(storage, { queues: ['emails'] }))).toEqual([idOf(1)]);
  });

  test('a batch is refused with the namespace of each queue, and nothing of the call is written', async () => {
    const storage = await open();
    const fault = await faultOf(storage.jobs.insert([[newJob(1)], [emails(2), reports(3)]], t0));
    expect(fault.code).toBe('unsupported');
    expect(fault.message).toMatch(/emails in \S+home, reports in \S+b/);
    expect(Object.keys(Object(fault.details.namespaces))).toEqual(['emails', 'reports']);
    expect(await storage.jobs.get([1, 2, 3].map(idOf))).toEqual([null, null, null]);
    await storage.jobs.insert([[newJob(1)], [emails(2)], [reports(3)]], t0);
    expect(ids((await storage.jobs.list({ states: 0xff, limit: 9 })).items)).toHaveLength(3);
  });

  test('a retry into the queue of another namespace is refused, one within its own is not', async () => {
    const storage = await open();
    await insert(storage, [newJob(1)]);
    const [job] = await claim(storage);
    await storage.jobs.transition([to(job?.id ?? '', State.discarded, State.active, { deadLetter: true })], t0);
    const into = (queue: string, id = idOf(1)) => [
      to(id, State.available, State.discarded, { queue, attempt: 0, deadLetter: false }),
    ];
    const fault = await faultOf(storage.jobs.transition(into('emails'), t0));
    expect(fault.code).toBe('unsupported');
    expect(fault.message).toMatch(/emails in namespace \S+home/);
    expect(await get(storage, idOf(1))).toMatchObject({ queue: 'default', state: State.discarded, deadLetter: true });
    expect(await storage.jobs.transition(into('third'), t0)).toMatchObject([{ kind: 'moved' }]);
    expect(await get(storage, idOf(1))).toMatchObject({ queue: 'third', state: State.available });
    expect(await storage.jobs.transition(into('emails', idOf(9)), t0)).toEqual([{ kind: 'missing' }]);
  });

  test('an id belongs to one job of the whole store, in one call too', async () => {
    const storage = await open();
    await insert(storage, [emails(1)]);
    const existing = await get(storage, idOf(1));
    expect(await insertGroup(storage, [reports(2), reports(1)])).toEqual([
      { kind: 'aborted' },
      { kind: 'duplicate', by: 'id', existing },
    ]);
    expect(await storage.jobs.get([idOf(2)])).toEqual([null]);
    const answers = await storage.jobs.insert([[reports(3)], [newJob(3)], [emails(3)]], t0);
    expect(answers.flat()).toMatchObject([
      { kind: 'inserted' },
      { kind: 'duplicate', by: 'id' },
      { kind: 'duplicate', by: 'id' },
    ]);
    expect((await get(storage, idOf(3))).queue).toBe('reports');
  });

  test('an id that names its queue is looked up in no other namespace, any other id in all', async () => {
    const prefix = newPrefix();
    // The client cannot begin to watch a server that others use at that moment.
    await using instance = await startRedis();
    const address = new URL(urlOf('home:emails;b:reports;rest:*', prefix));
    await using storage = await redisStorage({ url: `${instance.url}${address.search}` });
    await storage.migrate();
    await using watched = await watch(instance.url, prefix);
    const asked = async (id: string) => {
      await insert(storage, [reports(1, { id })]);
      return watched.names();
    };
    const named = uuidIn('reports');
    // Their first use loads the functions of a namespace.
    await asked(uuidv7());
    expect(await asked(named)).toEqual(['b']);
    expect(await asked(uuidIn('emails'))).toEqual(['b', 'home', 'rest']);
    expect(await insertOne(storage, emails(1, { id: named }))).toMatchObject({ kind: 'duplicate', by: 'id' });
  });

  test('a job that is inserted again in another namespace under its id is found there', async () => {
    const storage = await open();
    await insert(storage, [emails(1)]);
    await claim(storage, { queues: ['emails'] });
    await storage.jobs.transition([to(idOf(1), State.completed, State.active)], t0);
    expect(await storage.jobs.remove([idOf(1)], { from: State.completed }, t0)).toEqual([true]);
    await insert(storage, [reports(1)]);
    const moved = await storage.jobs.transition(
      [to(idOf(1), State.cancelled, State.available), to(idOf(9), State.cancelled, 0xff)],
      t0,
    );
    expect(moved.map(({ kind }) => kind)).toEqual(['moved', 'missing']);
    expect(await get(storage, idOf(1))).toMatchObject({ queue: 'reports', state: State.cancelled });
  });

  test('a job, a workflow and a cron are refused with a key that counts in another namespace', async () => {
    const storage = await open();
    await insert(storage, [emails(1, { limits: [limitOf('k', { concurrency: 1 })] })]);
    const limited = '{"type":"x","queue":"reports","args":[],"rate_limit":{"key":"k","concurrency":1}}';
    const faults = [
      await faultOf(insertOne(storage, reports(2, { limits: [limitOf('k')] }))),
      await faultOf(
        storage.jobs.insert([[reports(3, { limits: [limitOf('n')] })], [newJob(4, { limits: [limitOf('n')] })]], t0),
      ),
      await faultOf(storage.workflows.create(newWorkflow(), [nodeOf(0, limited)], [], t0)),
      await faultOf(cronsOf(storage).put(cronOf('c', limited), t0)),
    ];
    expect(faults.map(({ code }) => code)).toEqual(['unsupported', 'unsupported', 'unsupported', 'unsupported']);
    expect(faults[0]?.message).toMatch(/limit k is counted in namespace \S+home/);
    expect(await storage.registry.limit('k')).toMatchObject({ waiting: 1 });
    expect(await storage.registry.limit('n')).toBeNull();
  });

  test('a workflow is in the namespace of the queues of its steps, defaults included, and refused where they are in two', async () => {
    const storage = await open();
    const step = (queue: string) => `{"type":"x","queue":"${queue}","args":[]}`;
    const fault = await faultOf(
      storage.workflows.create(newWorkflow(), [nodeOf(0, step('reports')), nodeOf(1, step('emails'))], [], t0),
    );
    expect(fault).toMatchObject({ code: 'unsupported', message: expect.stringContaining('steps of a workflow') });
    expect(await storage.workflows.get('w')).toBeNull();
    const defaults = newWorkflow({ spec: '{"options":[{"queue":"reports"}]}' });
    const node = { ...nodeOf(0, ''), spec: '{"options":0,"run":{"type":"x","args":[]}}' };
    await storage.workflows.create(defaults, [node], [], t0);
    const job = reports(0, { node: { workflow: 'w', index: 0 } });
    expect(
      await storage.workflows.advance([{ kind: 'start', node: { workflow: 'w', index: 0 }, job, events: [] }], t0),
    ).toMatchObject([{ done: true }]);
    expect(ids(await claim(storage, { queues: ['reports'] }))).toEqual([idOf(0)]);
    const other = await storage.workflows.create(newWorkflow({ name: 'other' }), [nodeOf(0, step('emails'))], [], t0);
    expect(other).toMatchObject({ kind: 'duplicate', workflow: { id: 'w', name: 'order' } });
  });

  test('a cron is in the namespace of its template’s queue, and an update that would move it is refused', async () => {
    const storage = await open();
    const template = (queue: string) => `{"type":"x","queue":"${queue}","args":[]}`;
    await cronsOf(storage).put(cronOf('c', template('reports')), t0);
    expect(await faultOf(cronsOf(storage).put(cronOf('c', template('emails')), t0))).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/remove the cron and register it again/),
    });
    const [due] = await cronsOf(storage).due(t0, 9);
    const job = reports(1, { cron: 'c' });
    const firing = { name: 'c', version: due?.version ?? 0, dueAt: null, job, cancels: [], events: [] };
    expect(await cronsOf(storage).fire([firing], t0)).toEqual([true]);
    expect(await cronsOf(storage).fire([{ ...firing, version: t0 + 1, job: null }], t0)).toEqual([true]);
    expect(await queue(storage, 'reports')).toMatchObject({ counts: { [State.available]: 1 } });
    expect((await storage.jobs.runs(['c'], 9)).map(ids)).toEqual([[idOf(1)]]);
    expect(await cronsOf(storage).remove('c')).toMatchObject({ name: 'c', runCount: 1 });
    await cronsOf(storage).put(cronOf('c', template('emails')), t0);
    expect(await cronsOf(storage).list()).toHaveLength(1);
  });
});

test.skipIf(server === null)('a heartbeat extends jobs of all namespaces, and lists those that are lost', async () => {
  const storage = await open();
  await insert(storage, [emails(1), reports(2), newJob(3)]);
  for (const queue of ['emails', 'reports', 'default']) await claim(storage, { queues: [queue] });
  const holds = [1, 2, 3, 4].map((number) => ({ id: idOf(number), claim: number === 3 ? 7 : 1 }));
  const [answer] = await storage.registry.beat(
    [{ worker: 'w1', holds, leaseMs: null, state: 'running', info: '{}' }],
    t0 + 5,
  );
  expect(answer).toEqual({ directive: null, extended: [1, 2].map(idOf), lost: [3, 4].map(idOf) });
  const [worker, ...others] = await storage.registry.workers();
  expect(worker?.holds).toEqual([1, 2, 3, 4].map(idOf));
  expect(others).toEqual([]);
});

function nodeOf(index: number, job: string): NewNode {
  return { index, name: `${index}`, job: idOf(index), open: 0, next: [], member: true, spec: `{"run":${job}}` };
}

function cronOf(name: string, enqueue: string) {
  return { name, spec: JSON.stringify({ enqueue }), enabled: true, dueAt: t0 };
}

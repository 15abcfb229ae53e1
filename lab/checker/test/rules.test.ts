import { describe, expect, test } from 'vitest';
import { check, type State } from '../src/index.ts';
import { History } from './history.ts';

/** Each row: what happens, whether the rule is broken, and the history. */
type Row = readonly [what: string, broken: readonly string[], history: History];
const history = () => new History();
const notEnded: readonly State[] = ['waiting', 'scheduled', 'pending', 'active', 'retryable'];
const unique = { key: 'k', states: notEnded };
const retry = { maxAttempts: 3, backoffMs: [1000, 2000] };

const rules: Readonly<Record<string, readonly Row[]>> = {
  loss: [
    ['an acknowledged job is there', [], history().enqueue('a').fetch('a', 'l').ack('a', 'l').end({ a: 'completed' })],
    ['an acknowledged job is gone', ['loss a'], history().enqueue('a').end({})],
    [
      'a job without an answer is gone',
      [],
      history()
        .call({ op: 'enqueue', jobs: [{ id: 'a', queue: 'mail' }] })
        .end({}),
    ],
    [
      'a repeated call answers that the job is there, and it is gone',
      ['loss a'],
      history()
        .call({ op: 'enqueue', jobs: [{ id: 'a', queue: 'mail' }] })
        .enqueue('a', {}, { status: 'duplicate', existing: 'a' })
        .end({}),
    ],
    [
      'an operator removed the job',
      [],
      history()
        .enqueue('a')
        .call({ op: 'remove', jobs: ['a'] }, { outcome: 'done' })
        .end({}),
    ],
    [
      'an operator removed its queue without an answer',
      [],
      history().enqueue('a').call({ op: 'remove', queue: 'mail' }).end({}),
    ],
    [
      'a removal was refused',
      ['loss a'],
      history()
        .enqueue('a')
        .call({ op: 'remove', jobs: ['a'] }, { outcome: 'refused' })
        .end({}),
    ],
    [
      'the winner of a duplicate is not there',
      ['loss b'],
      history().enqueue('b', {}, { status: 'duplicate', existing: 'a' }).end({}),
    ],
  ],
  stuck: [
    ['a job still waits after calm', ['stuck a'], history().enqueue('a').end({ a: 'waiting' })],
    ['a job still runs after calm', ['stuck a'], history().enqueue('a').fetch('a', 'l').end({ a: 'active' })],
    ['a job may wait after calm', [], history().enqueue('a').end({ a: 'waiting' }, { waits: true })],
  ],
  lease: [
    [
      'a job is handed out while its lease is valid',
      ['lease a'],
      history().enqueue('a').fetch('a', 'l1').fetch('a', 'l2', { attempt: 2 }).ack('a', 'l2').end({ a: 'completed' }),
    ],
    [
      'a job is handed out again after its lease ran out',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .wait(1000)
        .fetch('a', 'l2', { attempt: 2 })
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'a renewed lease is valid for longer',
      ['lease a'],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .wait(900)
        .call({ op: 'renew', leases: ['l1'] }, { outcome: 'done' })
        .wait(500)
        .fetch('a', 'l2', { attempt: 2 })
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'a renewal without an answer proves nothing',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .wait(900)
        .call({ op: 'renew', leases: ['l1'] })
        .wait(500)
        .fetch('a', 'l2', { attempt: 2 })
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'a job is handed out again after its worker was lost',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .add({ kind: 'loss', node: 'worker' })
        .wait(10)
        .fetch('a', 'l2', { attempt: 2 })
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'an ack without an answer may have been a failure that gave the job back',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .call({ op: 'nack', job: 'a', lease: 'l1' })
        .fetch('a', 'l2', { attempt: 2 })
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'a repeated fetch answers the same lease',
      [],
      history().enqueue('a').fetch('a', 'l1').fetch('a', 'l1').ack('a', 'l1').end({ a: 'completed' }),
    ],
    [
      'a worker was released in a call that began before its claim',
      [],
      history()
        .enqueue('a')
        .call({ op: 'release', worker: 'worker' })
        .fetch('a', 'l1')
        .fetch('a', 'l2', { attempt: 2 })
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'a lease is handed to two workers',
      ['lease a'],
      history().enqueue('a').fetch('a', 'l1', {}, 'one').fetch('a', 'l1', {}, 'two').ack('a', 'l1'),
    ],
    [
      'a lease is handed to two requests of one worker',
      ['lease a'],
      history().enqueue('a').fetch('a', 'l1', {}, 'one', 'r1').fetch('a', 'l1', {}, 'one', 'r2').ack('a', 'l1'),
    ],
    [
      'a job is removed, made anew by a late copy of its request, and has its first lease again',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l1', {}, 'one')
        .call({ op: 'remove', jobs: ['a'] }, { outcome: 'done' })
        .fetch('a', 'l1', {}, 'two')
        .ack('a', 'l1')
        .end({ a: 'completed' }),
    ],
    [
      'the job was removed before either of two workers got the lease',
      ['lease a'],
      history()
        .enqueue('a')
        .call({ op: 'remove', jobs: ['a'] }, { outcome: 'done' })
        .wait(1)
        .fetch('a', 'l1', {}, 'one')
        .fetch('a', 'l1', {}, 'two')
        .ack('a', 'l1'),
    ],
    [
      'the clock of the store jumped',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .add({ kind: 'clock', jumpMs: 5000 })
        .fetch('a', 'l2', { attempt: 2 })
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
  ],
  fence: [
    [
      'a stale lease settles the job',
      ['fence a', 'result a'],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .wait(1000)
        .fetch('a', 'l2', { attempt: 2 })
        .ack('a', 'l1')
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'a stale lease is refused',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .wait(1000)
        .fetch('a', 'l2', { attempt: 2 })
        .call({ op: 'ack', job: 'a', lease: 'l1' }, { outcome: 'refused' })
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'a repeated ack is accepted',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .call({ op: 'ack', job: 'a', lease: 'l1' })
        .ack('a', 'l1')
        .end({ a: 'completed' }),
    ],
    [
      'an ack that was first sent after the job was handed out again is accepted when it is repeated',
      ['fence a', 'result a'],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .wait(1000)
        .fetch('a', 'l2', { attempt: 2 })
        .call({ op: 'ack', job: 'a', lease: 'l1' })
        .ack('a', 'l1')
        .ack('a', 'l2')
        .end({ a: 'completed' }),
    ],
    [
      'a cancelled job is completed',
      ['fence a', 'result a'],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .call({ op: 'cancel', job: 'a' }, { outcome: 'done' })
        .ack('a', 'l1')
        .end({ a: 'completed' }),
    ],
    [
      'a lease is renewed after its ack',
      ['fence a'],
      history()
        .enqueue('a')
        .fetch('a', 'l1')
        .ack('a', 'l1')
        .call({ op: 'renew', leases: ['l1'] }, { outcome: 'done' })
        .end({ a: 'completed' }),
    ],
  ],
  result: [
    [
      'the result is that of the ack',
      [],
      history().enqueue('a').fetch('a', 'l').ack('a', 'l', '7').end({ a: 'completed' }, { result: '7' }),
    ],
    [
      'the result is another',
      ['result a'],
      history().enqueue('a').fetch('a', 'l').ack('a', 'l', '7').end({ a: 'completed' }, { result: '8' }),
    ],
    ['a job is completed without an ack', ['result a'], history().enqueue('a').end({ a: 'completed' })],
    [
      'an acknowledged success ends as discarded',
      ['result a'],
      history().enqueue('a').fetch('a', 'l').ack('a', 'l').end({ a: 'discarded' }),
    ],
    [
      'a late copy of the call makes a job anew that was cancelled and deleted',
      [],
      history()
        .enqueue('a')
        .call({ op: 'cancel', job: 'a' }, { outcome: 'done' })
        .call({ op: 'remove', jobs: ['a'] }, { outcome: 'done' })
        .fetch('a', 'l')
        .ack('a', 'l')
        .end({ a: 'completed' }),
    ],
    [
      'an operator started the job anew after its ack',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l')
        .ack('a', 'l', '7')
        .call({ op: 'retry', job: 'a' }, { outcome: 'done' })
        .fetch('a', 'l2')
        .nack('a', 'l2', 'discarded')
        .end({ a: 'discarded' }),
    ],
    [
      'an operator started the job anew after a failure whose answer was lost, and the repeated failure is answered',
      [],
      history()
        .enqueue('a')
        .fetch('a', 'l')
        .call({ op: 'nack', job: 'a', lease: 'l' })
        .call({ op: 'retry', job: 'a' }, { outcome: 'done' })
        .fetch('a', 'l2')
        .ack('a', 'l2', '7')
        .nack('a', 'l', 'discarded')
        .end({ a: 'completed' }, { result: '7' }),
    ],
    [
      'a failure for good ends as completed',
      ['result a', 'result a'],
      history().enqueue('a').fetch('a', 'l').nack('a', 'l', 'discarded').end({ a: 'completed' }),
    ],
  ],
  unique: [
    [
      'a second job is created while the first waits',
      ['unique b'],
      history().enqueue('a', { unique }).enqueue('b', { unique }),
    ],
    [
      'a second job is created after the first ended',
      [],
      history().enqueue('a', { unique }).fetch('a', 'l').ack('a', 'l').enqueue('b', { unique }),
    ],
    [
      'a second job is created after the first ended, where an end bars too',
      ['unique b'],
      history()
        .enqueue('a', { unique })
        .fetch('a', 'l')
        .ack('a', 'l')
        .enqueue('b', { unique: { key: 'k', states: ['completed'] } }),
    ],
    [
      'a second job is created within the period',
      ['unique b'],
      history()
        .enqueue('a', { unique: { ...unique, periodMs: 50 } })
        .wait(40)
        .enqueue('b', { unique: { ...unique, periodMs: 50 } }),
    ],
    [
      'a second job is created after the period',
      [],
      history()
        .enqueue('a', { unique: { ...unique, periodMs: 50 } })
        .wait(60)
        .enqueue('b', { unique: { ...unique, periodMs: 50 } }),
    ],
    [
      'two jobs of one batch are created',
      ['unique b'],
      history().call(
        { op: 'enqueue', jobs: ['a', 'b'].map((id) => ({ id, queue: 'mail', unique })) },
        { outcome: 'done', jobs: ['a', 'b'].map((id) => ({ id, status: 'created' as const })) },
      ),
    ],
    [
      'a job is refused for one that ended',
      ['unique b'],
      history()
        .enqueue('a', { unique })
        .fetch('a', 'l')
        .ack('a', 'l')
        .enqueue('b', { unique }, { status: 'duplicate', existing: 'a' }),
    ],
    [
      'a job is refused for one of another key',
      ['unique b'],
      history()
        .enqueue('a', { unique: { ...unique, key: 'other' } })
        .enqueue('b', { unique }, { status: 'duplicate', existing: 'a' }),
    ],
    [
      'a job is refused for one that waits',
      [],
      history().enqueue('a', { unique }).enqueue('b', { unique }, { status: 'duplicate', existing: 'a' }),
    ],
    [
      'a job takes the place of the first',
      [],
      history()
        .enqueue('a', { unique })
        .enqueue('b', { unique }, { status: 'replaced', replaced: ['a'] }),
    ],
  ],
  limit: [
    [
      'two run where one may',
      ['limit b'],
      history()
        .enqueue('a', { limits: [{ key: 'k', concurrency: 1 }] })
        .enqueue('b', { limits: [{ key: 'k', concurrency: 1 }] })
        .fetch('a', 'l1')
        .fetch('b', 'l2'),
    ],
    [
      'the second runs after the first',
      [],
      history()
        .enqueue('a', { limits: [{ key: 'k', concurrency: 1 }] })
        .enqueue('b', { limits: [{ key: 'k', concurrency: 1 }] })
        .fetch('a', 'l1')
        .ack('a', 'l1')
        .fetch('b', 'l2'),
    ],
    [
      'two start within the window of one',
      ['limit b'],
      history()
        .enqueue('a', { limits: [{ key: 'k', rate: { count: 1, windowMs: 100 } }] })
        .enqueue('b', { limits: [{ key: 'k', rate: { count: 1, windowMs: 100 } }] })
        .fetch('a', 'l1')
        .wait(90)
        .fetch('b', 'l2'),
    ],
    [
      'two start a window apart',
      [],
      history()
        .enqueue('a', { limits: [{ key: 'k', rate: { count: 1, windowMs: 100 } }] })
        .enqueue('b', { limits: [{ key: 'k', rate: { count: 1, windowMs: 100 } }] })
        .fetch('a', 'l1')
        .wait(100)
        .fetch('b', 'l2'),
    ],
    [
      'two of a queue run where one may',
      ['limit b'],
      history()
        .add({ kind: 'config', limits: [{ queue: 'mail', key: 'queue', concurrency: 1 }] })
        .enqueue('a')
        .enqueue('b')
        .fetch('a', 'l1')
        .fetch('b', 'l2'),
    ],
  ],
  attempts: [
    [
      'a removed job is made anew by a late copy of its request, and its first lease is handed out again',
      [],
      history()
        .enqueue('a', { retry })
        .fetch('a', 'l1', { claim: 1 })
        .nack('a', 'l1')
        .call({ op: 'remove', jobs: ['a'] }, { outcome: 'done' })
        .enqueue('a', { retry })
        .fetch('a', 'l1', { claim: 1 })
        .fetch('a', 'l2', { claim: 2 }),
    ],
    [
      'the second attempt comes after the backoff',
      [],
      history().enqueue('a', { retry }).fetch('a', 'l1').nack('a', 'l1').wait(1000).fetch('a', 'l2', { attempt: 2 }),
    ],
    [
      'the second attempt comes before the backoff ends',
      ['attempts a'],
      history().enqueue('a', { retry }).fetch('a', 'l1').nack('a', 'l1').wait(900).fetch('a', 'l2', { attempt: 2 }),
    ],
    [
      'a failure that was sent twice counts from the first time',
      [],
      history()
        .enqueue('a', { retry })
        .fetch('a', 'l1')
        .call({ op: 'nack', job: 'a', lease: 'l1' })
        .wait(1000)
        .nack('a', 'l1')
        .fetch('a', 'l2', { attempt: 2 }),
    ],
    [
      'a job that is given back uncounted has no backoff',
      [],
      history()
        .enqueue('a', { retry })
        .fetch('a', 'l1')
        .call({ op: 'nack', job: 'a', lease: 'l1', counted: false }, { outcome: 'done', state: 'waiting' })
        .fetch('a', 'l2'),
    ],
    [
      'the counter is reset',
      ['attempts a'],
      history().enqueue('a', { retry }).fetch('a', 'l1').nack('a', 'l1').wait(1000).fetch('a', 'l2', { attempt: 1 }),
    ],
    [
      'an attempt is skipped',
      ['attempts a'],
      history().enqueue('a', { retry }).fetch('a', 'l1').nack('a', 'l1').wait(1000).fetch('a', 'l2', { attempt: 3 }),
    ],
    [
      'an attempt is over the maximum',
      ['attempts a'],
      history().enqueue('a', { retry }).fetch('a', 'l1', { attempt: 4 }),
    ],
    [
      'the claim does not count up',
      ['attempts a'],
      history()
        .enqueue('a', { retry })
        .fetch('a', 'l1', { claim: 2 })
        .nack('a', 'l1')
        .wait(1000)
        .fetch('a', 'l2', { attempt: 2, claim: 2 }),
    ],
    ['a job is claimed before it is due', ['attempts a'], history().enqueue('a', { dueAt: 500 }).fetch('a', 'l1')],
    [
      'an operator made the job wait now',
      [],
      history().enqueue('a', { dueAt: 500 }).call({ op: 'activate', job: 'a' }, { outcome: 'done' }).fetch('a', 'l1'),
    ],
    [
      'a scheduled job is claimed early after somebody ended it and started it anew',
      [],
      history()
        .enqueue('a', { dueAt: 500 })
        .call({ op: 'discard', job: 'a' }, { outcome: 'done' })
        .call({ op: 'retry', job: 'a' })
        .fetch('a', 'l1'),
    ],
    [
      'a scheduled job is claimed early after a retry that found no end',
      ['attempts a'],
      history().enqueue('a', { dueAt: 500 }).call({ op: 'retry', job: 'a' }).fetch('a', 'l1'),
    ],
    ['a job is claimed when it is due', [], history().enqueue('a', { dueAt: 500 }).wait(498).fetch('a', 'l1')],
  ],
  order: [
    ['the first is claimed first', [], history().enqueue('a').enqueue('b').fetch('a', 'l1').fetch('b', 'l2')],
    ['the second is claimed first', ['order b'], history().enqueue('a').enqueue('b').fetch('b', 'l2').fetch('a', 'l1')],
    [
      'the lower priority is claimed first',
      ['order a'],
      history().enqueue('a').enqueue('b', { priority: 5 }).fetch('a', 'l1').fetch('b', 'l2'),
    ],
    [
      'the first may have been claimed by a fetch without an answer',
      [],
      history()
        .enqueue('a')
        .enqueue('b')
        .call({ op: 'fetch', queues: ['mail'] })
        .fetch('b', 'l2')
        .fetch('a', 'l1', { attempt: 2 }),
    ],
    [
      'the first is enqueued by two calls',
      [],
      history().enqueue('a').enqueue('b').enqueue('a').fetch('a', 'l1').fetch('b', 'l2'),
    ],
    [
      'the first may have made way for a job whose call has no answer',
      [],
      history()
        .enqueue('a', { unique: { key: 'k', states: ['waiting'] } })
        .enqueue('b')
        .call({ op: 'enqueue', jobs: [{ id: 'c', queue: 'mail', unique: { key: 'k', states: ['waiting'] } }] })
        .fetch('b', 'l2')
        .ack('b', 'l2')
        .end({ a: 'cancelled', b: 'completed' }),
    ],
    [
      'the first was not claimed by the fetch without an answer, because its claims are counted',
      ['order b'],
      history()
        .enqueue('a')
        .enqueue('b')
        .call({ op: 'fetch', queues: ['mail'] })
        .fetch('b', 'l2')
        .fetch('a', 'l1', { claim: 1 }),
    ],
    [
      'the first is passed over for as long as the store may',
      [],
      history().add({ kind: 'config', orderJitterMs: 50 }).enqueue('a').enqueue('b').fetch('b', 'l2').fetch('a', 'l1'),
    ],
    [
      'the first is passed over for longer',
      ['order b'],
      history()
        .add({ kind: 'config', orderJitterMs: 50 })
        .enqueue('a')
        .enqueue('b')
        .fetch('b', 'l2')
        .wait(50)
        .fetch('a', 'l1'),
    ],
    [
      'the first has waited for long before it is passed over for as long as the store may',
      [],
      history()
        .add({ kind: 'config', orderJitterMs: 50 })
        .enqueue('a')
        .enqueue('b')
        .wait(50)
        .fetch('b', 'l2')
        .fetch('a', 'l1'),
    ],
    [
      'the first waits for a limit',
      [],
      history()
        .enqueue('a', { limits: [{ key: 'k', concurrency: 1 }] })
        .enqueue('b')
        .fetch('b', 'l2')
        .fetch('a', 'l1'),
    ],
  ],
  workflow: [
    [
      'the second node starts after the first',
      [],
      chain().fetch('a', 'l1', ofNode('first')).ack('a', 'l1').fetch('b', 'l2', ofNode('second')).ack('b', 'l2'),
    ],
    [
      'the second node starts before the first ended',
      ['workflow b'],
      chain().fetch('a', 'l1', ofNode('first')).fetch('b', 'l2', ofNode('second')).ack('a', 'l1').ack('b', 'l2'),
    ],
    [
      'a node has two jobs',
      ['workflow c'],
      chain()
        .fetch('a', 'l1', ofNode('first'))
        .ack('a', 'l1')
        .fetch('b', 'l2', ofNode('second'))
        .fetch('c', 'l3', ofNode('second')),
    ],
    [
      'a node has no job though all before it are completed',
      ['workflow'],
      chain().fetch('a', 'l1', ofNode('first')).ack('a', 'l1').end({ a: 'completed' }),
    ],
    [
      'a callback for success runs though a node failed',
      ['workflow b'],
      history()
        .call(
          {
            op: 'workflow',
            workflow: 'w',
            nodes: [
              { node: 'first', after: [] },
              { node: 'second', after: [], callback: 'success' },
            ],
          },
          { outcome: 'done' },
        )
        .fetch('a', 'l1', ofNode('first'))
        .nack('a', 'l1', 'discarded')
        .fetch('b', 'l2', ofNode('second'))
        .ack('b', 'l2')
        .add({ kind: 'calm' })
        .add({ kind: 'complete' })
        .add({ kind: 'job', id: 'a', queue: 'mail', state: 'discarded' })
        .add({ kind: 'job', id: 'b', queue: 'mail', state: 'completed' }),
    ],
    [
      'a callback fires after a node that was lost too often, and that node is removed later',
      [],
      history()
        .call(
          {
            op: 'workflow',
            workflow: 'w',
            nodes: [
              { node: 'first', after: [] },
              { node: 'callback', after: [], callback: 'complete' },
            ],
          },
          { outcome: 'done' },
        )
        .fetch('a', 'l1', ofNode('first'))
        .wait(2000)
        .fetch('c', 'l2', ofNode('callback'))
        .ack('c', 'l2')
        .call({ op: 'remove', jobs: ['a'] }),
    ],
    [
      'a callback fires at the end of a failed workflow, and its next job waits after a retry',
      [],
      history()
        .call(
          {
            op: 'workflow',
            workflow: 'w',
            nodes: [
              { node: 'first', after: [] },
              { node: 'second', after: ['first'] },
              { node: 'callback', after: [], callback: 'complete' },
            ],
          },
          { outcome: 'done' },
        )
        .fetch('a', 'l1', ofNode('first'))
        .nack('a', 'l1', 'discarded')
        .fetch('c1', 'l2', ofNode('callback'))
        .ack('c1', 'l2')
        .call({ op: 'retry', job: 'a' }, { outcome: 'done' })
        .fetch('a', 'l3')
        .ack('a', 'l3')
        .fetch('b', 'l4', ofNode('second'))
        .ack('b', 'l4')
        .add({ kind: 'job', id: 'c2', queue: 'mail', state: 'waiting', workflow: 'w', node: 'callback' }),
    ],
  ],
  cron: [
    [
      'each tick has a job',
      [],
      history()
        .call({ op: 'cron', cron: 'c', ticks: ['t1'] }, { outcome: 'done' })
        .fetch('a', 'l', { cron: 'c', tick: 't1' })
        .ack('a', 'l')
        .end({ a: 'completed' }),
    ],
    [
      'a tick has no job',
      ['cron'],
      history()
        .call({ op: 'cron', cron: 'c', ticks: ['t1', 't2'], mayMiss: ['t2'] }, { outcome: 'done' })
        .end({}),
    ],
    [
      'a tick has two jobs',
      ['cron b'],
      history().fetch('a', 'l1', { cron: 'c', tick: 't1' }).fetch('b', 'l2', { cron: 'c', tick: 't1' }),
    ],
  ],
  events: [
    ['every event arrives', [], subscribed().add(arrival(1)).add(arrival(2)).add(arrival(5))],
    ['an event is missed', ['events b'], subscribed().add(arrival(1)).add(arrival(5))],
    ['an event arrives twice', ['events'], subscribed().add(arrival(1)).add(arrival(1))],
    [
      'a subscriber resumes after what it had',
      [],
      subscribed().add(arrival(1)).add({ kind: 'subscribe', subscriber: 's', after: 1 }).add(arrival(2)),
    ],
    ['a subscriber of one type misses only others', [], subscribed(['completed']).add(arrival(5))],
    [
      'a completed job goes on',
      ['events a'],
      history()
        .add({ kind: 'log', position: 1, job: 'a', state: 'completed' })
        .add({ kind: 'log', position: 2, job: 'a', state: 'active' }),
    ],
  ],
  counters: [
    [
      'the counters are right',
      [],
      history()
        .enqueue('a')
        .end({ a: 'waiting' }, { waits: true })
        .add({ kind: 'counts', queue: 'mail', states: { waiting: 1 } }),
    ],
    [
      'a counter is too high',
      ['counters'],
      history()
        .enqueue('a')
        .end({ a: 'waiting' }, { waits: true })
        .add({ kind: 'counts', queue: 'mail', states: { waiting: 1, active: 1 } }),
    ],
    [
      'a counter is missing',
      ['counters'],
      history().enqueue('a').end({ a: 'waiting' }, { waits: true }).add({ kind: 'counts', queue: 'mail', states: {} }),
    ],
  ],
  deadline: [
    ['a claim comes in time', [], due('claim').wait(10).fetch('a', 'l')],
    ['a claim comes too late', ['deadline a'], due('claim').wait(200).fetch('a', 'l')],
    ['an end comes too late', ['deadline a'], due('end').fetch('a', 'l').wait(200).ack('a', 'l')],
  ],
};

function ofNode(node: string) {
  return { workflow: 'w', node };
}

function chain(): History {
  const nodes = [
    { node: 'first', after: [] },
    { node: 'second', after: ['first'] },
  ];
  return history().call({ op: 'workflow', workflow: 'w', nodes }, { outcome: 'done' });
}

function arrival(position: number) {
  return { kind: 'event', subscriber: 's', position } as const;
}

function subscribed(types?: readonly string[]): History {
  return history()
    .add({ kind: 'log', position: 1, job: 'a', type: 'created' })
    .add({ kind: 'log', position: 2, job: 'b', type: 'created' })
    .add({ kind: 'log', position: 5, job: 'a', type: 'completed' })
    .add({ kind: 'subscribe', subscriber: 's', after: 0, ...(types && { types }) });
}

function due(what: 'claim' | 'end'): History {
  return history().enqueue('a').add({ kind: 'deadline', job: 'a', by: 100, what, why: 'a worker is free' });
}

describe.each(Object.entries(rules))('%s', (rule, rows) => {
  test.each(rows)('%s: %j', (_, broken, { records }) => {
    const { violations, judged } = check(records);
    expect(
      violations.map((violation) => [violation.rule, ...(violation.job ? [violation.job] : [])].join(' ')),
    ).toEqual(broken);
    expect(judged).toHaveProperty(rule);
  });

  test('has a history that breaks it and one that does not', () => {
    expect(rows.some(([, broken]) => broken.some((name) => name.startsWith(rule)))).toBe(true);
    expect(rows.some(([, broken]) => broken.length === 0)).toBe(true);
  });
});

test('every rule has its histories', () => {
  expect(Object.keys(rules)).toEqual(Object.keys(check([]).judged));
});

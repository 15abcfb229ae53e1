import type { HistoryEvent } from '@ojs-ts/core/schemas';
import { expect, test } from 'vitest';
import { labelOf, lifeOf } from '../../app/pages/job/spans.ts';
import { neighboursOf } from '../../app/pages/job/steps.ts';

let number = 0;

function event(type: string, ms: number, data: HistoryEvent['data'] = {}): HistoryEvent {
  const timestamp = new Date(ms).toISOString();
  return { id: `evt_${++number}`, job_id: 'job', event_type: `job.${type}`, timestamp, data };
}

test('the events of a job that failed, ended and was retried become parts without gaps', () => {
  const { spans, end, createdAt } = lifeOf([
    event('created', 0, { state: 'scheduled' }),
    event('state_changed', 100, { from: 'scheduled', to: 'available' }),
    event('state_changed', 100, { from: 'available', to: 'active' }),
    event('attempt_started', 100, { attempt: 1, worker_id: 'w1' }),
    event('attempt_failed', 150, { attempt: 1 }),
    event('state_changed', 150, { from: 'active', to: 'discarded' }),
    event('discarded', 150),
    event('state_changed', 900, { from: 'discarded', to: 'available' }),
    event('state_changed', 950, { from: 'available', to: 'active' }),
    event('attempt_started', 950, { attempt: 1, worker_id: '' }),
  ]);
  expect(spans.map((span) => [labelOf(span), span.from, span.to, span.worker, span.outcome])).toEqual([
    ['Waits for its time', 0, 100, null, null],
    ['Attempt 1', 100, 150, 'w1', 'failed'],
    ['Was discarded', 150, 900, null, null],
    ['Waits in the queue', 900, 950, null, null],
    ['Attempt 1', 950, null, null, null],
  ]);
  expect({ end, createdAt }).toEqual({ end: null, createdAt: 0 });
});

test('an execution that an operator ended, or that went back, says so', () => {
  const run = (to: NonNullable<HistoryEvent['data']['to']>) =>
    lifeOf([
      event('created', 0, { state: 'available' }),
      event('state_changed', 5, { from: 'available', to: 'active' }),
      event('attempt_started', 5, { attempt: 1 }),
      event('state_changed', 9, { from: 'active', to }),
    ]);
  expect(run('cancelled').spans.at(-1)?.outcome).toBe('cancelled');
  expect(run('cancelled').end).toEqual({ state: 'cancelled', at: 9 });
  expect(run('available').spans.map(({ outcome }) => outcome)).toEqual([null, 'returned', null]);
});

test('a purged history begins with its purge', () => {
  expect(lifeOf([event('purged', 7)])).toEqual({ createdAt: null, spans: [], end: null, purgedAt: 7 });
});

test('the steps beside a job are found through groups', () => {
  const step = (index: number, id: string, depends: readonly number[], job?: string) => ({
    index,
    id,
    state: 'completed' as const,
    depends_on: depends,
    ...(job !== undefined && { job_id: job }),
  });
  const nodes = [step(0, 'a', [], 'A'), step(1, 'b', [], 'B'), step(2, 'group', [0, 1]), step(3, 'c', [2], 'C')];
  const graph = { workflow_id: 'W', name: null, nodes };
  const last = neighboursOf(graph, 'C');
  expect([last.step, last.parents.map(({ id }) => id), last.children]).toEqual(['c', ['a', 'b'], []]);
  expect(neighboursOf(graph, 'A').children.map(({ id }) => id)).toEqual(['c']);
  expect(neighboursOf(graph, 'none')).toMatchObject({ workflow: 'W', step: null, parents: [] });
});

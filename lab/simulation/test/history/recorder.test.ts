import type { Answer, Call } from '@ojs-ts/core';
import { expect, test } from 'vitest';
import { Recorder } from '../../src/history/recorder.ts';
import { World } from '../../src/world/world.ts';

const retry: Call = { operation: 'deadLetter.retry', params: { id: 'a' } };
const removal: Call = { operation: 'worker.remove', params: { id: 'w' } };
const ack: Call = { operation: 'worker.exchange', body: JSON.stringify({ acks: [{ job_id: 'a', x_lease: 'l' }] }) };
const answer = (status: number, text = '{}'): Answer => ({ status, text, headers: {} });
const acks = (status: number) => answer(200, JSON.stringify({ acks: [{ status }] }));

/** What the history says that a call came to. */
function outcome(call: Call, answered: Answer, isTwice: boolean): unknown {
  const world = new World('1', null);
  const recorder = new Recorder(world);
  recorder.calling(world.harness, call)(answered, isTwice);
  return recorder.lines.at(-1)?.outcome;
}

test.each([
  ['a refused retry: the copy may find the job ended', retry, answer(404), false, 'refused'],
  ['a refused retry: the copy may find the job ended', retry, answer(404), true, 'unknown'],
  ['a retry: its key tells the copy', retry, answer(200), true, 'done'],
  ['a removal of a worker: the copy gives back what it claimed since', removal, answer(200), false, 'done'],
  ['a removal of a worker: the copy gives back what it claimed since', removal, answer(200), true, 'unknown'],
  ['a refused ack: its lease is over for the copy too', ack, acks(409), true, 'refused'],
])('%s', (_, call, answered, isTwice, expected) => {
  expect(outcome(call, answered, isTwice)).toBe(expected);
});

import { expect, test } from 'vitest';
import { macrotask } from '../../../src/connection/pause.ts';
import { Deliveries } from '../../../src/worker/steps/order.ts';

const turn = () => new Promise<void>((resolve) => macrotask(resolve));

async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await turn();
}

test('outcomes that are asked for in one turn arrive in the order of their numbers', async () => {
  const order: number[] = [];
  const deliveries = new Deliveries();
  for (const number of [3, 1, 2]) deliveries.add(number, () => order.push(number));
  await turns(4);
  expect(order).toEqual([1, 2, 3]);
});

test('the handler is idle for a turn between two outcomes, so that it can ask for a lower number', async () => {
  const order: number[] = [];
  const deliveries = new Deliveries();
  deliveries.add(5, () => order.push(5));
  deliveries.add(1, () => {
    order.push(1);
    // As late as a handler without timers and I/O can ask.
    Promise.resolve()
      .then(() => {})
      .then(() => deliveries.add(2, () => order.push(2)));
  });
  await turns(4);
  expect(order).toEqual([1, 2, 5]);
});

test('an outcome waits for the answer to an earlier record', async () => {
  const order: number[] = [];
  const deliveries = new Deliveries();
  deliveries.expect(1);
  deliveries.add(2, () => order.push(2));
  await turns(3);
  expect(order).toEqual([]);
  deliveries.add(1, () => order.push(1));
  await turns(3);
  expect(order).toEqual([1, 2]);
});

test('an outcome does not wait for a record that was refused', async () => {
  const order: number[] = [];
  const deliveries = new Deliveries();
  deliveries.expect(1);
  deliveries.add(2, () => order.push(2));
  deliveries.drop(1);
  await turns(2);
  expect(order).toEqual([2]);
});

test('nothing arrives after the end', async () => {
  const order: number[] = [];
  const deliveries = new Deliveries();
  deliveries.add(1, () => order.push(1));
  deliveries.stop();
  await turns(2);
  expect(order).toEqual([]);
});

import { type Pushed, type PushItem, type PushStep, push as stepsOf } from '@ojs-ts/core';
import type { Batches } from '../batches.ts';

type Store = Pick<Batches, 'insert' | 'get' | 'transition'>;

/** PUSH, as core has it, of jobs on a store. */
export async function push(store: Store, items: readonly PushItem[]): Promise<Pushed> {
  const steps = stepsOf(items);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await answer(store, value);
  }
}

async function answer(store: Store, step: PushStep): Promise<void> {
  if (step.kind === 'insert') step.answer(await store.insert(step.jobs));
  else if (step.kind === 'get') step.answer(await Promise.all(step.ids.map((id) => store.get(id))));
  else {
    const moved = await Promise.all(step.transitions.map((transition) => store.transition(transition)));
    step.answer(moved.map(({ kind }) => kind === 'moved' || kind === 'already'));
  }
}

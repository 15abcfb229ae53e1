import { type Pushed, type PushItem, type PushStep, push as stepsOf, type Transition, verdict } from '@ojs-ts/core';
import type { Table } from './table.ts';

/** PUSH, as core has it, of jobs on a table: every step is answered at once. */
export function push(table: Table, items: readonly PushItem[]): Pushed {
  const steps = stepsOf(items);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    answer(table, value);
  }
}

function answer(table: Table, step: PushStep): void {
  if (step.kind === 'insert') step.answer(table.insert(step.jobs));
  else if (step.kind === 'get') step.answer(step.ids.map((id) => table.jobs.get(id) ?? null));
  else step.answer(step.transitions.map((transition) => apply(table, transition)));
}

function apply(table: Table, transition: Transition): boolean {
  const job = table.jobs.get(transition.id);
  if (job === undefined || verdict(job, transition) !== 'moves') return false;
  table.move(transition);
  return true;
}

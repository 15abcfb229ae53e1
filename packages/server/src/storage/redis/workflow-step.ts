import type { WorkflowStep } from '@ojs-ts/core';
import type { Advanced } from '../storage.ts';
import type { Packed } from './packed.ts';
import { listOf, packJob, readInserted } from './rows.ts';
import { letters } from './workflow-row.ts';

/** A step as the operation `workflow_advance` takes it. */
export function packStep(step: WorkflowStep): Packed {
  const { workflow, index } = step.node;
  const common = { workflow, index, events: step.events };
  if (step.kind === 'start') return { ...common, job: packJob(step.job) };
  const { state, passes, result, error, end, failed } = step;
  return { ...common, letter: letters[state], passes, result, error, ends: end?.state, text: end?.text, failed };
}

export function readAdvanced({ node: { workflow } }: WorkflowStep, packed: Packed | undefined): Advanced {
  const [done, inserted, ready] = listOf(packed);
  return {
    done: done === true,
    inserted: inserted === false ? null : readInserted(inserted),
    ready: listOf(ready).map((index) => ({ workflow, index: Number(index) })),
  };
}

import { jobNames, jobPolicies, optionsShape, stepOptionsShape } from '../job-members.ts';
import { type Shape, shapeOf } from '../members.ts';
import { callbackNames } from './plan.ts';

const compositeNames = ['id', 'type', 'name', 'depends_on', 'meta', 'metadata'];

/** A step is a job, or a workflow within the workflow. */
const step: { members: Map<string, Shape | null>; readonly open: boolean } = { members: new Map(), open: true };
const callbacks = shapeOf([], Object.fromEntries(callbackNames.map((name) => [name, step])));
const lists = { steps: step, jobs: step, callbacks };
step.members = new Map(
  shapeOf([...jobNames, ...compositeNames], { ...jobPolicies, ...lists, options: stepOptionsShape }).members,
);

export const workflowShape: Shape = shapeOf(compositeNames, { ...lists, options: optionsShape });

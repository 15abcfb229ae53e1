import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { age, type Item, moment, text, texts } from '../../output/cells.ts';
import { plain } from '../../output/plain.ts';
import { fields, table } from '../../output/table.ts';
import { actionCommand } from '../action.ts';
import { group } from '../command.ts';
import { detailCommand } from '../detail.ts';
import { type ListFlags, listCommand } from '../list.ts';
import { graphCommand } from './graph.ts';

const workflow = { param: 'id', about: 'id of the workflow' } as const;

/** `ojs workflows`. */
export function workflowsCommand(): Command {
  const listed = {
    operation: 'workflow.list',
    member: 'workflows',
    what: 'workflows',
    columns: [
      { title: 'ID', cell: (item: Item) => text(item, 'id') },
      { title: 'NAME', cell: (item: Item) => text(item, 'name') },
      { title: 'TYPE', cell: (item: Item) => text(item, 'type') },
      { title: 'STATE', cell: (item: Item) => text(item, 'state') },
      { title: 'STEPS', cell: stepsOf, align: 'right' },
      { title: 'AGE', cell: (item: Item) => age(item, 'created_at'), align: 'right' },
    ],
  } as const;
  return group('workflows', 'look at workflows, cancel and retry them', [
    listCommand<ListFlags & { readonly state?: string }>(
      'list',
      'list workflows, newest first',
      listed,
      ({ state }) => ({ state }),
    ).option('--state <states>', 'workflows in one of these states: running, completed, failed, cancelled'),
    detailCommand('show a workflow with its steps', { ...workflow, operation: 'workflow.get', describe }),
    graphCommand(),
    actionCommand('cancel', 'cancel a workflow and its jobs that wait', {
      ...workflow,
      operation: 'workflow.cancel',
      said: (id) => `Workflow ${id} is cancelled.`,
    }),
    actionCommand('retry', 'retry the failed steps of a workflow, which then continues', {
      ...workflow,
      operation: 'workflow.retry',
      said: (id) => `Workflow ${id} is running again.`,
    }),
    actionCommand('rerun', 'start a new workflow with the same steps', {
      ...workflow,
      operation: 'workflow.rerun',
      said: (id, answer) => `Workflow ${plain(text(answer, 'id'))} was started with the steps of workflow ${id}.`,
    }),
  ]);
}

function stepsOf(item: Item): string {
  return `${text(item, 'steps_completed')}/${text(item, 'steps_total')}`;
}

function describe(answer: Json): string {
  const found = members(answer);
  const parts = found.has('steps') ? found : members(found.get('workflow') ?? '{}');
  const item: Item = JSON.parse(found.get('workflow') ?? answer);
  const steps = elements(parts.get('steps') ?? '[]').map((step): Item => JSON.parse(step));
  const shown = fields([
    ['id', text(item, 'id')],
    ['name', text(item, 'name')],
    ['type', text(item, 'type')],
    ['state', text(item, 'state')],
    ['steps', stepsOf(item)],
    ['created_at', moment(item, 'created_at')],
    ['completed_at', moment(item, 'completed_at')],
    ['cancelled_at', moment(item, 'cancelled_at')],
  ]);
  return steps.length === 0 ? shown : `${shown}\n\n${table(stepColumns, steps)}`;
}

const stepColumns = [
  { title: 'STEP', cell: (step: Item) => text(step, 'id') },
  { title: 'TYPE', cell: (step: Item) => text(step, 'type') },
  { title: 'STATE', cell: (step: Item) => text(step, 'state') },
  { title: 'JOB', cell: (step: Item) => text(step, 'job_id') },
  { title: 'AFTER', cell: (step: Item) => texts(step, 'depends_on') },
];

import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { age, type Item, moment, text, texts } from '../../output/cells.ts';
import { plain } from '../../output/plain.ts';
import { details, table, view } from '../../output/table.ts';
import { group } from '../command.ts';
import { flag } from '../flags.ts';
import { listCommand } from '../list.ts';
import { change, look } from '../row.ts';
import { draw } from './graph.ts';

const args = { id: 'id of the workflow' };
const states = 'workflows in one of these states: running, completed, failed, cancelled';

/** `ojs workflows`. */
export function workflowsCommand(): Command {
  return group('workflows', 'look at workflows, cancel and retry them', [
    listCommand('list', 'list workflows, newest first', 'workflow.list', {
      what: 'workflows',
      member: 'workflows',
      columns: view`ID | NAME | TYPE | STATE | STEPS>: ${stepsOf} | AGE>: ${age} created_at`,
      flags: { state: flag('--state <states>', states) },
    }),
    look('show', 'show a workflow with its steps', 'workflow.get', { args, shown: describe }),
    look('graph', 'draw a workflow: its steps in order, their states, and what they wait for', 'workflow.graph', {
      args,
      shown: draw,
    }),
    change('cancel', 'cancel a workflow and its jobs that wait', 'workflow.cancel', {
      args,
      shown: (_, id) => `Workflow ${id} is cancelled.`,
    }),
    change('retry', 'retry the failed steps of a workflow, which then continues', 'workflow.retry', {
      args,
      shown: (_, id) => `Workflow ${id} is running again.`,
    }),
    change('rerun', 'start a new workflow with the same steps', 'workflow.rerun', {
      args,
      shown: (answer, id) => `Workflow ${plain(text(answer, 'id'))} was started with the steps of workflow ${id}.`,
    }),
  ]);
}

function stepsOf(item: Item): string {
  return `${text(item, 'steps_completed')}/${text(item, 'steps_total')}`;
}

const lines = view`id | name | type | state | steps: ${stepsOf}
  created_at: ${moment} | completed_at: ${moment} | cancelled_at: ${moment}`;
const stepColumns = view`STEP: id | TYPE | STATE | JOB: job_id | AFTER: ${texts} depends_on`;

function describe(_: Item, __: string, json: Json): string {
  const found = members(json);
  const parts = found.has('steps') ? found : members(found.get('workflow') ?? '{}');
  const steps = elements(parts.get('steps') ?? '[]').map((step): Item => JSON.parse(step));
  const shown = details(lines, JSON.parse(found.get('workflow') ?? json));
  return steps.length === 0 ? shown : `${shown}\n\n${table(stepColumns, steps)}`;
}

import { isObject } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { type Item, list, moment, text, texts } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { fields } from '../output/table.ts';
import { takesWatch, type WatchFlags, watching } from '../output/watch.ts';
import { serverCommand } from './command.ts';
import { filled } from './values.ts';

interface ExplainFlags extends ServerFlags, FormatFlags, WatchFlags {
  readonly step?: string;
}

/** `ojs explain`: why a job does not run. */
export function explainCommand(): Command {
  const command = serverCommand<ExplainFlags>(
    'explain',
    'say why a job does not run, and what helps',
    (server, flags, id = '') =>
      watching(flags, async () => {
        const query = flags.step === undefined ? {} : { query: { step: flags.step } };
        const { text: answer } = await server.ask({ operation: 'job.explain', params: { id }, ...query });
        printAnswer(answer, flags, describe);
      }),
  )
    .argument('<id>', 'id of the job; with --step of the workflow')
    .option('--step <id>', 'explain this step of a workflow', filled);
  return takesWatch(takesJson(command));
}

function describe(answer: Json): string {
  const explanation: Item = JSON.parse(answer);
  const reasons = itemsOf(explanation, 'reasons').map(describeReason);
  const next = moment(explanation, 'next_start_at');
  return [text(explanation, 'verdict'), ...reasons, ...(next === '' ? [] : [fields([['next start', next]])])].join(
    '\n\n',
  );
}

function describeReason(reason: Item): string {
  const rows: (readonly [name: string, value: string])[] = [
    ['since', moment(reason, 'since')],
    ['until', moment(reason, 'until')],
    ['limit', texts(reason, 'keys')],
    ...itemsOf(reason, 'queues').map((queue) => ['queue', text(queue, 'name')] as const),
    ...itemsOf(reason, 'steps').map((step) => ['step', describeStep(step)] as const),
    ...itemsOf(reason, 'workers').map((worker) => ['worker', describeWorker(worker)] as const),
    ...itemsOf(reason, 'jobs').map((job) => ['job', describeJob(job)] as const),
    ['more', reason.partial === true ? 'not listed' : ''],
    ['what helps', text(reason, 'remedy')],
  ];
  return [`${text(reason, 'code')}: ${text(reason, 'message')}`, fields(rows)].filter((part) => part !== '').join('\n');
}

function describeStep(step: Item): string {
  return joined(text(step, 'id'), text(step, 'state'), labelled('job', text(step, 'job_id')));
}

function describeWorker(worker: Item): string {
  const seen = labelled('seen', moment(worker, 'last_seen_at'));
  const [held, slots] = [labelled('jobs', text(worker, 'held')), labelled('slots', text(worker, 'slots'))];
  return joined(text(worker, 'id'), text(worker, 'status'), seen, held, slots);
}

function describeJob(job: Item): string {
  const worker = labelled('worker', text(job, 'worker_id'));
  return joined(text(job, 'id'), worker, labelled('since', moment(job, 'since')));
}

function labelled(label: string, value: string): string {
  return value === '' ? '' : `${label} ${value}`;
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}

function itemsOf(item: Item, name: string): readonly Item[] {
  return list(item, name).filter(isObject);
}

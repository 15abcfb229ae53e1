import { isObject } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server, ServerFlags } from '../../connection/server.ts';
import { age, count, type Item, list, text } from '../../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { type Column, table } from '../../output/table.ts';
import { serverCommand } from '../command.ts';
import { ahead } from '../times.ts';
import { filled, upTo } from '../values.ts';

interface PreviewFlags extends ServerFlags, FormatFlags {
  readonly timezone?: string;
  readonly from?: string;
  readonly count: number;
}

/** The most that a server answers. */
const maxRuns = 1_000;
/** Skipped runs of one change of the clocks that have a line each. */
const listed = 3;

/** `ojs cron preview`: the runs to come, in their zone, with what changes of the clocks do to them. */
export function previewCommand(): Command {
  const command = serverCommand<PreviewFlags>(
    'preview',
    'list the runs to come of an expression or of a cron job, across changes of the clocks',
    async (server, flags, cron = '') => {
      const { text: answer } = await server.ask(isExpression(cron) ? ofExpression(cron, flags) : ofCron(cron, flags));
      printAnswer(answer, flags, describe);
    },
  ).argument('<cron>', `an expression in quotes, such as '30 2 * * *', or the name of a cron job`);
  return takesJson(command)
    .option('--timezone <zone>', 'zone of the expression, such as Europe/Berlin; default UTC', filled)
    .option('--from <time>', 'where the preview begins: 2026-03-28T00:00:00Z, or 30d from now; default now', ahead)
    .option('--count <count>', `how many runs, up to ${maxRuns}`, upTo(maxRuns), 10);
}

/** Names have no spaces, and an expression of one word begins with @. */
function isExpression(cron: string): boolean {
  return /^@|\s/.test(cron.trim());
}

function ofExpression(expression: string, { timezone, from, count }: PreviewFlags): Parameters<Server['ask']>[0] {
  return { operation: 'cron.preview', body: JSON.stringify({ expression, timezone, from, count }) };
}

function ofCron(name: string, { timezone, from, count }: PreviewFlags): Parameters<Server['ask']>[0] {
  if (timezone !== undefined)
    throw new Failure('usage', `Expected --timezone with an expression; the cron job ${plain(name)} has its own zone.`);
  return { operation: 'cron.runs', params: { name }, query: { from, limit: count } };
}

interface Row {
  readonly local: string;
  /** Empty for a run that is skipped. */
  readonly at: string;
  readonly note: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'LOCAL TIME', cell: ({ local }) => local },
  { title: 'UTC', cell: ({ at }) => at },
  { title: 'WHEN', cell: (row) => age({ ...row }, 'at'), align: 'right' },
  { title: 'NOTE', cell: ({ note }) => note },
];

function describe(answer: Json): string {
  const item: Item = JSON.parse(answer);
  const head = `${text(item, 'expression')} in ${text(item, 'timezone')}`;
  if (item.enabled === false) {
    const name = text(item, 'name');
    return `${head}\n\nCron job ${name} is paused, so it has no runs to come: ojs cron resume ${name}`;
  }
  const rows = rowsOf(item);
  return `${head}\n\n${rows.length === 0 ? 'There is no run to come.' : table(columns, rows)}`;
}

function rowsOf(item: Item): readonly Row[] {
  const changes = list(item, 'clock_changes').filter(isObject);
  const locals = list(item, 'local_runs').map(String);
  const rows: Row[] = [];
  let next = 0;
  const noted = new Set<Item>();
  list(item, 'runs')
    .map(String)
    .forEach((at, index) => {
      for (let change = changes[next]; change !== undefined && text(change, 'at') <= at; change = changes[++next])
        rows.push(...skippedBy(change, noted));
      const local = locals[index] ?? at;
      rows.push({ local: plain(local), at: plain(at), note: noteOf(local, changes, noted) });
    });
  return rows;
}

function skippedBy(change: Item, noted: Set<Item>): readonly Row[] {
  const skipped = list(change, 'skipped').map((local) => plain(String(local)));
  const all = Number(change.skipped_count);
  const note = `skipped: ${clocks(change)}`;
  if (all > 0) noted.add(change);
  const rows = skipped.slice(0, listed).map((local) => ({ local, at: '', note }));
  return all <= listed
    ? rows
    : [...rows, { local: '…', at: '', note: `skipped: ${count({ more: all - listed }, 'more')} more` }];
}

/** For a run on the day of a clock change, notes each time that occurs twice, and the first one of the others. */
function noteOf(local: string, changes: readonly Item[], noted: Set<Item>): string {
  const change = changes.find((one) => dayOf(one) === local.slice(0, 10));
  if (change === undefined) return '';
  if (list(change, 'repeated').includes(local.slice(0, 19))) {
    noted.add(change);
    return `${clocks(change)}: runs the first time only`;
  }
  if (noted.has(change)) return '';
  noted.add(change);
  return `on this day ${clocks(change)}`;
}

/** The day of the hour that is skipped or repeated. */
function dayOf(change: Item): string {
  return [text(change, 'local_before'), text(change, 'local_after')].sort()[0]?.slice(0, 10) ?? '';
}

function clocks(change: Item): string {
  const [before, after] = [text(change, 'local_before'), text(change, 'local_after')];
  const time = (local: string) => local.slice(11, 16);
  return `the clocks go ${text(change, 'direction')} from ${time(before)} to ${time(after)}`;
}

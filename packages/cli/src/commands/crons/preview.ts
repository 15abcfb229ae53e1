import { isObject } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import { age, count, type Item, list, text } from '../../output/cells.ts';
import { printAnswer } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { table, view } from '../../output/table.ts';
import { serverCommand } from '../command.ts';
import { ahead, flag, needed, upTo } from '../flags.ts';

/** The most that a server answers. */
const maxRuns = 1_000;
/** Skipped runs of one change of the clocks that have a line each. */
const listed = 3;

const flags = {
  timezone: flag('--timezone <zone>', 'zone of the expression, such as Europe/Berlin; default UTC'),
  from: flag('--from <time>', 'start of the preview: 2026-03-28T00:00:00Z, or 30d from now; default now', ahead),
  count: needed(flag('--count <count>', `how many runs, up to ${maxRuns}`, upTo(maxRuns)), 10),
};

/** `ojs cron preview`: the runs to come, in their zone, with what changes of the clocks do to them. */
export function previewCommand(): Command {
  const about = 'list the future runs of an expression or a cron job, across daylight saving time';
  const args = { cron: `an expression in quotes, such as '30 2 * * *', or the name of a cron job` };
  return serverCommand('preview', about, { args, flags, also: ['json'] }, async (server, values, cron = '') => {
    const { timezone, from, count } = values;
    const isName = !isExpression(cron);
    if (isName && timezone !== undefined)
      throw new Failure(
        'usage',
        `Expected --timezone with an expression; the cron job ${plain(cron)} has its own zone.`,
      );
    const { text: answer } = await server.ask(
      isName
        ? { operation: 'cron.runs', params: { name: cron }, query: { from, limit: count } }
        : { operation: 'cron.preview', body: JSON.stringify({ expression: cron, timezone, from, count }) },
    );
    printAnswer(answer, values, () => describe(JSON.parse(answer)));
  });
}

/** Names have no spaces, and an expression of one word begins with @. */
function isExpression(cron: string): boolean {
  return /^@|\s/.test(cron.trim());
}

type Row = {
  readonly local: string;
  /** Empty for a run that is skipped. */
  readonly at: string;
  readonly note: string;
};

const columns = view`LOCAL TIME: local | UTC: at | WHEN>: ${age} at | NOTE`;

function describe(item: Item): string {
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

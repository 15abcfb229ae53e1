import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import type { Server } from '../../connection/server.ts';
import type { Item } from '../../output/cells.ts';
import { type FormatFlags, printItems } from '../../output/format.ts';
import { oneLine, plain } from '../../output/plain.ts';
import { ProgressBar } from '../../output/progress.ts';
import { table } from '../../output/table.ts';
import { serverCommand } from '../command.ts';
import { atLeastOne, flag, needed, on, type Values } from '../flags.ts';
import { queryOf } from '../row.ts';
import { filterFlags } from './filter.ts';

const field = 'field of the query language, such as type, queue, meta.tenant or args[0].user';
const flags = {
  by: needed(flag('--by <field>', field)),
  ...filterFlags,
  limit: needed(flag('--limit <count>', 'the most groups', atLeastOne), 20),
  scan: needed(flag('--scan <count>', 'the most jobs that are read, newest first', atLeastOne), 100_000),
  all: on('--all', 'read every job').conflicts('scan'),
};

/** Groups of one call: more than it reads jobs. */
const mostGroups = 10_000;

/** `ojs jobs groups`: which values of a field the most jobs have. */
export function groupsCommand(): Command {
  const about = 'count jobs by the values of a field, such as their tenant; the most first';
  const takes = { flags, also: ['json', 'ndjson', 'watch'] as const };
  return serverCommand('groups', about, takes, async (server, values) => print(await counted(server, values), values));
}

interface Group {
  readonly value: Json;
  readonly digest: Json | null;
  count: number;
}

type Counted = Awaited<ReturnType<typeof counted>>;

/** One call reads a part of the jobs; the counts of all calls are added. */
async function counted(server: Server, values: Values<typeof flags>) {
  const most = values.all ? Number.POSITIVE_INFINITY : values.scan;
  const groups = new Map<string, Group>();
  let [without, matched, scanned] = [0, 0, 0];
  let cursor: string | undefined;
  using progress = new ProgressBar();
  do {
    const query = { ...queryOf(filterFlags, values), by: values.by, limit: mostGroups, cursor };
    const answer = await server.askFor({ operation: 'admin.jobGroups', query });
    for (const group of elements(answer.get('groups') ?? '[]')) add(groups, members(group));
    const search: Item = JSON.parse(answer.get('search') ?? '{}');
    const { next_cursor }: Item = JSON.parse(answer.get('pagination') ?? '{}');
    without += Number(answer.get('without_value') ?? 0);
    matched += Number(answer.get('matched') ?? 0);
    scanned += Number(search.scanned ?? 0);
    cursor = typeof next_cursor === 'string' ? next_cursor : undefined;
    if (cursor !== undefined)
      progress.show({ part: null, words: `${scanned.toLocaleString('en-US')} jobs…`, leftMs: null });
  } while (cursor !== undefined && scanned < most);
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  return { groups: sorted, without, matched, scanned, isWhole: cursor === undefined };
}

/** Values are canonical JSON, so equal ones have the same text. */
function add(groups: Map<string, Group>, group: ReadonlyMap<string, Json>): void {
  const [value = 'null', digest = null] = [group.get('value'), group.get('digest')];
  const count = Number(group.get('count') ?? 0);
  const known = groups.get(digest ?? value);
  if (known === undefined) groups.set(digest ?? value, { value, digest, count });
  else known.count += count;
}

function print(
  { groups, without, matched, scanned, isWhole }: Counted,
  { by, limit, ...format }: Values<typeof flags> & FormatFlags,
): void {
  const shown = groups.slice(0, limit);
  const texts = [
    ...shown.map(
      ({ value, digest, count }) =>
        `{"value":${value},"count":${count}${digest === null ? '' : `,"digest":${digest}`}}`,
    ),
    ...(without === 0 ? [] : [`{"missing":true,"count":${without}}`]),
  ];
  const rows = [
    ...shown.map(({ value, digest, count }) => [`${textOf(value)}${digest === null ? '' : '…'}`, count] as const),
    ...(without === 0 ? [] : [['(no value)', without] as const]),
  ];
  printItems(texts, format, () =>
    matched === 0
      ? 'No jobs.'
      : table<(typeof rows)[number]>(
          [
            { title: by, cell: ([value]) => value },
            { title: 'JOBS', cell: ([, jobs]) => jobs.toLocaleString('en-US'), align: 'right' },
            { title: 'SHARE', cell: ([, jobs]) => `${((100 * jobs) / matched).toFixed(1)} %`, align: 'right' },
          ],
          rows,
        ),
  );
  if (groups.length > shown.length)
    console.error(`These are ${shown.length} of ${groups.length.toLocaleString('en-US')} groups; --limit shows more.`);
  if (!isWhole)
    console.error(
      `Counted among the ${scanned.toLocaleString('en-US')} jobs that were read; --scan or --all reads more.`,
    );
}

/** A string without quotes, unless it looks like another value. */
function textOf(value: Json): string {
  if (!value.startsWith('"')) return oneLine(value);
  const text: string = JSON.parse(value);
  return /^(?:-?\d.*|true|false|null|\(.*|[[{"].*|)$/s.test(text) ? oneLine(value) : plain(text);
}

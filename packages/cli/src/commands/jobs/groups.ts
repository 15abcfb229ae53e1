import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { type Command, Option } from 'commander';
import type { Server, ServerFlags } from '../../connection/server.ts';
import { count, type Item, part } from '../../output/cells.ts';
import { type FormatFlags, printItems, takesFormat } from '../../output/format.ts';
import { oneLine, plain } from '../../output/plain.ts';
import { table } from '../../output/table.ts';
import { takesWatch, type WatchFlags, watching } from '../../output/watch.ts';
import { serverCommand } from '../command.ts';
import { atLeastOne, filled } from '../values.ts';
import { type FilterFlags, queryOf, takesQuery } from './filter.ts';

interface GroupsFlags extends ServerFlags, FormatFlags, WatchFlags, FilterFlags {
  readonly by: string;
  readonly limit: number;
  readonly scan: number;
  readonly all?: true;
}

/** Groups of one call: more than it reads jobs. */
const mostGroups = 10_000;

/** `ojs jobs groups`: which values of a field the most jobs have. */
export function groupsCommand(): Command {
  const command = serverCommand<GroupsFlags>(
    'groups',
    'count jobs by the values of a field, such as their tenant; the most first',
    (server, flags) => watching(flags, async () => print(await counted(server, flags), flags)),
  ).requiredOption(
    '--by <field>',
    'field of the query language, such as type, queue, meta.tenant or args[0].user',
    filled,
  );
  return takesWatch(takesFormat(takesQuery(command)))
    .option('--limit <count>', 'the most groups', atLeastOne, 20)
    .addOption(
      new Option('--scan <count>', 'the most jobs that are read, newest first').argParser(atLeastOne).default(100_000),
    )
    .addOption(new Option('--all', 'read every job').conflicts('scan'));
}

interface Group {
  readonly value: Json;
  readonly digest: Json | null;
  count: number;
}

interface Counted {
  readonly groups: readonly Group[];
  readonly without: number;
  readonly matched: number;
  readonly scanned: number;
  readonly isWhole: boolean;
}

/** One call reads a part of the jobs; the counts of all calls are added. */
async function counted(server: Server, flags: GroupsFlags): Promise<Counted> {
  const most = flags.all ? Number.POSITIVE_INFINITY : flags.scan;
  const groups = new Map<string, Group>();
  let [without, matched, scanned] = [0, 0, 0];
  let cursor: string | undefined;
  let isShown = false;
  do {
    const query = { ...queryOf(flags), by: flags.by, limit: mostGroups, cursor };
    const { text } = await server.ask({ operation: 'admin.jobGroups', query });
    const answer = members(text);
    for (const group of elements(answer.get('groups') ?? '[]')) add(groups, members(group));
    const item: Item = JSON.parse(
      `{"search":${answer.get('search') ?? '{}'},"pagination":${answer.get('pagination') ?? '{}'}}`,
    );
    without += Number(answer.get('without_value') ?? 0);
    matched += Number(answer.get('matched') ?? 0);
    scanned += Number(part(item, 'search').scanned ?? 0);
    const { next_cursor } = part(item, 'pagination');
    cursor = typeof next_cursor === 'string' ? next_cursor : undefined;
    if (process.stderr.isTTY && cursor !== undefined) {
      process.stderr.write(`\r${scanned.toLocaleString('en-US')} jobs… `);
      isShown = true;
    }
  } while (cursor !== undefined && scanned < most);
  if (isShown) process.stderr.write('\r\u001b[K');
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

function print({ groups, without, matched, scanned, isWhole }: Counted, flags: GroupsFlags): void {
  const shown = groups.slice(0, flags.limit);
  const texts = [
    ...shown.map(
      ({ value, digest, count }) =>
        `{"value":${value},"count":${count}${digest === null ? '' : `,"digest":${digest}`}}`,
    ),
    ...(without === 0 ? [] : [`{"missing":true,"count":${without}}`]),
  ];
  printItems(texts, flags, () => {
    if (matched === 0) return 'No jobs.';
    const rows = [
      ...shown.map(({ value, digest, count }) => ({
        value: `${textOf(value)}${digest === null ? '' : '…'}`,
        jobs: count,
      })),
      ...(without === 0 ? [] : [{ value: '(no value)', jobs: without }]),
    ];
    return table(
      [
        { title: flags.by, cell: (row: (typeof rows)[number]) => row.value },
        { title: 'JOBS', cell: (row: (typeof rows)[number]) => count({ ...row }, 'jobs'), align: 'right' },
        { title: 'SHARE', cell: ({ jobs }: (typeof rows)[number]) => share(jobs, matched), align: 'right' },
      ],
      rows,
    );
  });
  const notes = [
    ...(groups.length > shown.length
      ? [`These are ${shown.length} of ${groups.length.toLocaleString('en-US')} groups; --limit shows more.`]
      : []),
    ...(isWhole
      ? []
      : [`Counted among the ${scanned.toLocaleString('en-US')} jobs that were read; --scan or --all reads more.`]),
  ];
  if (notes.length > 0) console.error(notes.join('\n'));
}

/** A string without quotes, unless it looks like another value. */
function textOf(value: Json): string {
  if (!value.startsWith('"')) return oneLine(value);
  const text: string = JSON.parse(value);
  return /^(?:-?\d.*|true|false|null|\(.*|[[{"].*|)$/s.test(text) ? oneLine(value) : plain(text);
}

function share(jobs: number, all: number): string {
  return `${((100 * jobs) / all).toFixed(1)} %`;
}

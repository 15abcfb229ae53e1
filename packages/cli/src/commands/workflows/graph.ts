import { isObject } from '@ojs-ts/core';
import { type Item, list, text } from '../../output/cells.ts';
import { type Column, table } from '../../output/table.ts';

/** Nodes that each have a line. If there are more, alike neighbours share one. */
const most = 50;
/** Steps that a line names under AFTER. */
const mostBefore = 4;

type Node = ReturnType<typeof nodeOf>;

interface Line {
  readonly first: Node;
  /** Neighbours that share the line. */
  readonly more: Node[];
  readonly level: number;
}

const signs: Readonly<Record<string, string>> = {
  completed: '✓',
  failed: '✗',
  cancelled: '-',
  active: '●',
  pending: '○',
  waiting: '·',
};

/** Draws the steps of a workflow in order, and what each waits for. */
export function draw(graph: Item): string {
  const nodes = list(graph, 'nodes').filter(isObject).map(nodeOf);
  const byIndex = new Map(nodes.map((node) => [node.index, node]));
  const isLarge = nodes.length > most;
  const ordered = order(nodes, byIndex, isLarge ? alike : byNumber);
  const lines = isLarge ? merged(ordered) : ordered;
  const columns: readonly Column<Line>[] = [
    { title: 'STEP', cell: (line) => `${'  '.repeat(line.level)}${label(line)}` },
    { title: 'TYPE', cell: ({ first }) => first.type },
    { title: 'STATE', cell: ({ first: { state } }) => `${signs[state] ?? '?'} ${state}` },
    { title: 'AFTER', cell: ({ first }) => after(first, byIndex) },
    { title: 'JOB', cell: ({ first, more }) => (more.length > 0 ? '' : first.job) },
  ];
  const head = `${text(graph, 'name')}: ${text(graph, 'type')}, ${text(graph, 'state')}, ${sums(nodes)}`;
  return `${head}\n\n${table(columns, lines)}`;
}

function nodeOf(item: Item) {
  const kind = text(item, 'kind');
  const callback = text(item, 'callback');
  return {
    index: Number(item.index),
    // A gate has no name of its own.
    name: kind === 'gate' ? 'all ended' : text(item, 'id'),
    kind: callback === '' ? kind : callback,
    type: text(item, 'type'),
    state: text(item, 'state'),
    job: text(item, 'job_id'),
    before: list(item, 'depends_on').map(Number),
    within: typeof item.within === 'number' ? item.within : null,
  };
}

/**
 * Each node comes after all that it waits for, as close to it as can be. Nodes after a fork are indented, and the node
 * that joins its branches is not.
 */
function order(
  nodes: readonly Node[],
  byIndex: ReadonlyMap<number, Node>,
  compared: (a: Node, b: Node) => number,
): readonly Line[] {
  const next = new Map<number, Node[]>();
  for (const node of nodes) for (const one of node.before) next.set(one, [...(next.get(one) ?? []), node]);
  const open = new Map(nodes.map(({ index, before }) => [index, before.filter((one) => byIndex.has(one)).length]));
  const levels = new Map<number, number>();
  const lines: Line[] = [];
  // A stack: the follower of the last line comes first.
  const ready = nodes
    .filter(({ index }) => open.get(index) === 0)
    .sort(compared)
    .reverse();
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    const level = levelOf(node, next, levels);
    levels.set(node.index, level);
    lines.push({ first: node, more: [], level });
    const followers = (next.get(node.index) ?? []).filter(({ index }) => {
      const left = (open.get(index) ?? 0) - 1;
      open.set(index, left);
      return left === 0;
    });
    ready.push(...followers.sort(compared).reverse());
  }
  return lines;
}

function levelOf({ before }: Node, next: ReadonlyMap<number, readonly Node[]>, levels: Map<number, number>): number {
  const known = before.map((one) => ({ level: levels.get(one) ?? 0, forks: (next.get(one)?.length ?? 0) > 1 }));
  const [first, ...more] = known;
  if (first === undefined) return 0;
  if (more.length === 0) return first.forks ? first.level + 1 : first.level;
  return Math.max(0, Math.min(...known.map(({ level }) => level)) - 1);
}

/** By type and state, so that nodes alike are neighbours; else as they are. */
function alike(a: Node, b: Node): number {
  return compare(a.type, b.type) || compare(a.state, b.state) || byNumber(a, b);
}

function byNumber(a: Node, b: Node): number {
  return a.index - b.index;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Neighbours of one level, kind, type and state share a line. */
function merged(lines: readonly Line[]): readonly Line[] {
  const shared: Line[] = [];
  for (const line of lines) {
    const last = shared.at(-1);
    if (last !== undefined && last.level === line.level && isAlike(last.first, line.first)) last.more.push(line.first);
    else shared.push(line);
  }
  return shared;
}

function isAlike(a: Node, b: Node): boolean {
  return a.kind === b.kind && a.type === b.type && a.state === b.state && a.within === b.within;
}

function label({ first, more }: Line): string {
  const kind = ['job', 'gate', first.name].includes(first.kind) ? '' : ` (${first.kind})`;
  const last = more.at(-1);
  return last === undefined ? `${first.name}${kind}` : `${more.length + 1} steps, ${first.name} to ${last.name}${kind}`;
}

function after({ before }: Node, byIndex: ReadonlyMap<number, Node>): string {
  const names = before.flatMap((one) => byIndex.get(one)?.name ?? []);
  return names.length <= mostBefore
    ? names.join(', ')
    : `${names.slice(0, mostBefore - 1).join(', ')} and ${names.length - mostBefore + 1} more`;
}

/** `3 steps: 2 completed, 1 active`. */
function sums(nodes: readonly Node[]): string {
  const jobs = nodes.filter(({ kind }) => kind === 'job');
  const states = Object.keys(signs).flatMap((state) => {
    const count = jobs.filter((node) => node.state === state).length;
    return count === 0 ? [] : [`${count.toLocaleString('en-US')} ${state}`];
  });
  return `${jobs.length === 1 ? '1 step' : `${jobs.length.toLocaleString('en-US')} steps`}: ${states.join(', ')}`;
}

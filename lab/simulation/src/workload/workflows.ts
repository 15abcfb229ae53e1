import { batch, chain, group, type JobRequest } from '@ojs-ts/sdk';
import { holdOf, oneOf, retryPolicy, rollAt, type Work } from './actor.ts';

type Tree = 'job' | { readonly kind: 'chain' | 'group' | 'batch'; readonly items: readonly Tree[] };

const nest = (kind: 'chain' | 'group' | 'batch', ...items: Tree[]): Tree => ({ kind, items });

/** Nested up to three deep. */
const trees: readonly Tree[] = [
  nest('chain', 'job', 'job', 'job'),
  nest('batch', 'job', 'job', 'job'),
  nest('chain', 'job', nest('group', 'job', nest('chain', 'job', 'job')), 'job'),
  nest('batch', 'job', nest('chain', 'job', nest('group', 'job', 'job'))),
  nest('group', nest('chain', 'job', nest('group', 'job', 'job')), 'job'),
];

interface ToldNode {
  readonly node: string;
  readonly after: readonly string[];
  readonly callback?: string;
}

export const workflow: Work = async ({ context, process, roll }) => {
  const { policy, told } = retryPolicy(context);
  const options = { queue: 'flow', retry: policy };
  const short = retryPolicy(context, 2);
  const tree = oneOf(trees, roll, 0);
  const isFailing = rollAt(roll, 1) < 0.3;
  let jobs = 0;
  const job = (type: string): JobRequest => {
    const number = jobs++;
    const holdMs = holdOf(context, (rollAt(roll, 2) * (number + 1)) % 1, rollAt(roll, 3));
    const failures = isFailing && number === 1 ? 99 : 0;
    const args = [{ holdMs: Math.min(holdMs, 3_000), failures, told: { retry: failures > 0 ? short.told : told } }];
    return failures > 0 ? { type, args, retry: { ...short.policy, onExhaustion: 'dead_letter' } } : { type, args };
  };
  const build = (one: Tree): Parameters<typeof chain>[1][number] => {
    if (one === 'job') return job('job.step');
    const items = one.items.map(build);
    if (one.kind === 'chain') return chain('chain', items, options);
    if (one.kind === 'group') return group('group', items, options);
    return batch('batch', items, { onComplete: job('job.callback'), options });
  };
  const definition = build(tree);
  if (!('kind' in definition)) return;
  const { name } = process.node;
  const nodes = nodesOf(tree, '', []).nodes;
  const handle = await process.client.workflow(definition);
  context.world.note(`workflow ${handle.id}`);
  context.workflows.push({ id: handle.id, nodes });
  context.recorder.call(name, 'workflow', { workflow: handle.id, nodes })('done');
};

/** The jobs of a tree by their names on the server, each with those that have to end before, and the last ones. */
function nodesOf(
  tree: Tree,
  name: string,
  after: readonly string[],
): { readonly nodes: readonly ToldNode[]; readonly ends: readonly string[] } {
  if (tree === 'job') return { nodes: [{ node: name, after }], ends: [name] };
  const nodes: ToldNode[] = [];
  const prefix = name === '' ? '' : `${name}.`;
  let before = after;
  const ends: string[] = [];
  for (const [index, item] of tree.items.entries()) {
    const inner = nodesOf(item, `${prefix}${index}`, before);
    nodes.push(...inner.nodes);
    if (tree.kind === 'chain') before = inner.ends;
    else ends.push(...inner.ends);
  }
  if (tree.kind === 'batch') nodes.push({ node: `${prefix}on_complete`, after: [], callback: 'complete' });
  return { nodes, ends: tree.kind === 'chain' ? before : ends };
}

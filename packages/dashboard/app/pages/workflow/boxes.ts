import type { WorkflowNode } from '@ojs-ts/core/schemas';

/** The two texts of a step: what its author calls it first. A number such as `1.2` is only its place. */
export interface StepName {
  readonly title: string;
  readonly detail: string;
}

export function nameOf({ id, kind, type }: Pick<WorkflowNode, 'id' | 'kind' | 'type'>): StepName {
  // A gate has no name of its own.
  if (type === undefined) return { title: kind === 'gate' ? 'all ended' : '', detail: id };
  return /^[\d.]*$/.test(id) ? { title: type, detail: id === '' ? '' : `step ${id}` } : { title: id, detail: type };
}

export function isFailed({ state }: Pick<WorkflowNode, 'state'>): boolean {
  return state === 'failed';
}

/** An item that a graph draws: one node, or all nodes of a type together. */
export interface Box {
  readonly id: string;
  readonly title: string;
  readonly detail: string;
  /** The kind of nodes that are no jobs: group, gate. */
  readonly kind: string | null;
  readonly state: string;
  /** Number of nodes by state; of a single node only its own. */
  readonly counts: Readonly<Record<string, number>>;
  readonly jobId: string | null;
  /** The type of a box for many jobs. */
  readonly type: string | null;
}

export interface Boxes {
  readonly boxes: readonly Box[];
  readonly edges: readonly (readonly [from: string, to: string])[];
  readonly isCollapsed: boolean;
}

export function single(nodes: readonly WorkflowNode[]): Boxes {
  const known = new Set(nodes.map(({ index }) => index));
  return {
    boxes: nodes.map((node) => ({
      id: String(node.index),
      ...nameOf(node),
      kind: node.kind === 'job' ? null : node.kind,
      state: node.state,
      counts: { [node.state]: 1 },
      jobId: node.job_id ?? null,
      type: null,
    })),
    edges: nodes.flatMap(({ index, depends_on }) =>
      depends_on.filter((from) => known.has(from)).map((from) => [String(from), String(index)] as const),
    ),
    isCollapsed: false,
  };
}

/** One box for all nodes of a type, and an edge wherever some node of one waits for some node of the other. */
export function collapsed(nodes: readonly WorkflowNode[]): Boxes {
  const classOf = ({ kind, type }: WorkflowNode): string => type ?? kind;
  const byIndex = new Map(nodes.map((node) => [node.index, node]));
  const counts = new Map<string, Record<string, number>>();
  const kinds = new Map<string, string | null>();
  const edges = new Map<string, readonly [string, string]>();
  for (const node of nodes) {
    const to = classOf(node);
    const count = counts.get(to) ?? {};
    count[node.state] = (count[node.state] ?? 0) + 1;
    counts.set(to, count);
    kinds.set(to, node.type === undefined ? node.kind : null);
    for (const before of node.depends_on) {
      const other = byIndex.get(before);
      const from = other && classOf(other);
      if (from !== undefined && from !== to) edges.set(JSON.stringify([from, to]), [from, to]);
    }
  }
  return {
    boxes: [...counts].map(([id, states]) => ({
      id,
      title: id,
      detail: '',
      kind: kinds.get(id) ?? null,
      state: worstOf(states),
      counts: states,
      jobId: null,
      type: kinds.get(id) === null ? id : null,
    })),
    edges: [...edges.values()],
    isCollapsed: true,
  };
}

const order = ['failed', 'discarded', 'retryable', 'active', 'running', 'available', 'pending', 'waiting', 'cancelled'];

function worstOf(states: Readonly<Record<string, number>>): string {
  return order.find((state) => (states[state] ?? 0) > 0) ?? 'completed';
}

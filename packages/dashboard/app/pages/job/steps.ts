import type { Answers, WorkflowNode } from '@ojs-ts/core/schemas';

export type Step = Pick<WorkflowNode, 'index' | 'id' | 'state' | 'depends_on' | 'type' | 'job_id'>;

/** The graph of a workflow, as far as the page of a job reads it. */
type Graph = Pick<Answers['workflow.graph'], 'workflow_id' | 'name'> & { readonly nodes: readonly Step[] };

export interface Neighbours {
  readonly workflow: string;
  /** How many nodes the workflow has. */
  readonly size: number;
  readonly step: string | null;
  readonly parents: readonly Step[];
  readonly children: readonly Step[];
}

/** The steps beside that of a job. Nodes without a job, such as groups, are looked through. */
export function neighboursOf({ workflow_id: id, name, nodes }: Graph, job: string): Neighbours {
  const own = nodes.find(({ job_id: one }) => one === job);
  const workflow = name ?? id;
  const size = nodes.length;
  if (own === undefined) return { workflow, size, step: null, parents: [], children: [] };
  const byIndex = new Map(nodes.map((node) => [node.index, node]));
  const after = new Map<number, Step[]>();
  for (const node of nodes)
    for (const index of node.depends_on) {
      const known = after.get(index);
      if (known) known.push(node);
      else after.set(index, [node]);
    }
  const before = ({ depends_on: indexes }: Step): readonly Step[] =>
    indexes.flatMap((index) => byIndex.get(index) ?? []);
  return {
    workflow,
    size,
    step: own.id,
    parents: jobsAlong(own, before),
    children: jobsAlong(own, ({ index }) => after.get(index) ?? []),
  };
}

function jobsAlong(from: Step, next: (step: Step) => readonly Step[]): readonly Step[] {
  const found: Step[] = [];
  const seen = new Set<number>();
  const rest = [...next(from)];
  for (let step = rest.pop(); step !== undefined; step = rest.pop()) {
    if (seen.has(step.index)) continue;
    seen.add(step.index);
    if (step.job_id === undefined) rest.push(...next(step));
    else found.push(step);
  }
  return found.sort((one, other) => one.index - other.index);
}

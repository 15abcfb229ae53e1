import type { WorkflowNode } from '@ojs-ts/core/schemas';
import { formatCount } from '../../format/numbers.ts';

/** Counts the jobs that are done, and the states of the others. */
export function Progress({ nodes }: { readonly nodes: readonly WorkflowNode[] }) {
  const jobs = nodes.filter(({ type }) => type !== undefined);
  const counts = new Map<string, number>();
  for (const { state } of jobs) counts.set(state, (counts.get(state) ?? 0) + 1);
  const done = counts.get('completed') ?? 0;
  return (
    <p className="row">
      <progress aria-label="Jobs done" max={Math.max(1, jobs.length)} value={done} />
      <span>
        {formatCount(done)} of {formatCount(jobs.length)} jobs done
      </span>
      <span className="soft">
        {[...counts]
          .filter(([state]) => state !== 'completed')
          .map(([state, count]) => `${formatCount(count)} ${state}`)
          .join(', ')}
      </span>
    </p>
  );
}

import type { WorkflowNode } from '@ojs-ts/core/schemas';
import './waterfall.css';
import { formatDuration } from '../../format/times.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { StateBadge, toneOf, useNow } from '../../ui/index.ts';
import { isFailed } from './boxes.ts';
import { ErrorText, StepLink } from './failed-steps.tsx';

/** The jobs of a workflow by their start, each as a bar over the whole time. */
export function Waterfall({ nodes }: { readonly nodes: readonly WorkflowNode[] }) {
  const now = useNow();
  const jobs = nodes
    .filter(({ type }) => type !== undefined)
    .toSorted((first, second) => startOf(first) - startOf(second));
  const begun = jobs.filter(({ started_at }) => started_at !== undefined);
  const from = Math.min(now, ...begun.slice(0, 1).map(startOf));
  const until = begun.reduce((latest, node) => Math.max(latest, endOf(node, now)), from + 1);
  const columns: readonly Column<WorkflowNode>[] = [
    {
      id: 'step',
      label: 'Step',
      align: 'clip',
      cell: (node) => <StepLink node={node} />,
    },
    { id: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
    {
      id: 'time',
      label: `Time, ${formatDuration(until - from)} in all`,
      cell: (node) => <Bar node={node} from={from} until={until} now={now} />,
    },
    {
      id: 'length',
      label: 'Took',
      align: 'number',
      cell: (node) => (node.started_at === undefined ? '–' : formatDuration(endOf(node, now) - startOf(node))),
    },
    ...(jobs.some(isFailed)
      ? [
          {
            id: 'error',
            label: 'Error',
            align: 'clip' as const,
            cell: (node: WorkflowNode) => <ErrorText node={node} />,
          },
        ]
      : []),
  ];
  return <DataTable label="Waterfall" rows={jobs} columns={columns} idOf={({ index }) => String(index)} />;
}

interface BarProps {
  readonly node: WorkflowNode;
  readonly from: number;
  readonly until: number;
  readonly now: number;
}

function Bar({ node, from, until, now }: BarProps) {
  if (node.started_at === undefined) return <span className="soft">not started</span>;
  const part = (at: number): number => (100 * (at - from)) / (until - from);
  const left = part(startOf(node));
  const width = Math.max(0.5, part(endOf(node, now)) - left);
  return (
    <span className="waterfall">
      <span data-tone={toneOf(node.state)} style={{ left: `${left}%`, width: `${width}%` }} />
    </span>
  );
}

function startOf({ started_at }: WorkflowNode): number {
  return started_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(started_at);
}

function endOf({ ended_at }: WorkflowNode, now: number): number {
  return ended_at === undefined ? now : Date.parse(ended_at);
}

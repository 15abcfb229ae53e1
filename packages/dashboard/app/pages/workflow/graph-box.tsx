import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import { formatCount } from '../../format/numbers.ts';
import { Badge, JobLink, JobsLink, StateBadge, toneOf } from '../../ui/index.ts';
import type { Box } from './boxes.ts';

export type BoxNode = Node<{ readonly box: Box; readonly workflow: string }, 'box'>;

export function GraphBox({ data: { box, workflow } }: NodeProps<BoxNode>) {
  const { title, detail, kind, state, counts, jobId, type } = box;
  const states = Object.entries(counts);
  const isMany = states.length > 1 || (states[0]?.[1] ?? 1) > 1;
  return (
    <div
      className="graph-box"
      data-tone={toneOf(state)}
      title={[title, detail].filter((text) => text !== '').join(', ')}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <span className="graph-label" hidden={title === ''}>
        {jobId !== null ? (
          <JobLink id={jobId} text={title} />
        ) : type !== null ? (
          <JobsLink q={`workflow:${workflow} type:${type}`} text={title} />
        ) : (
          title
        )}
      </span>
      <span className="row nowrap">
        {kind !== null && <Badge>{kind}</Badge>}
        {isMany ? (
          <span className="small soft">
            {states.map(([name, count]) => `${formatCount(count)} ${name}`).join(', ')}
          </span>
        ) : (
          <>
            <StateBadge state={state} />
            <span className="graph-detail">{detail}</span>
          </>
        )}
      </span>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}

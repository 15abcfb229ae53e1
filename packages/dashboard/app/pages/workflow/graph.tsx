import { Background, Controls, type Edge, MiniMap, type Node, ReactFlow, useReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import './graph.css';
import { useEffect, useMemo } from 'react';
import { Loading } from '../../ui/states.tsx';
import type { Box, Boxes } from './boxes.ts';
import { GraphBox } from './graph-box.tsx';
import { boxHeight, boxWidth, useLayout } from './use-layout.ts';

export interface GraphProps {
  readonly workflow: string;
  readonly boxes: Boxes;
  /** Keeps what runs in sight. */
  readonly follows: boolean;
}

export type BoxNode = Node<{ readonly box: Box; readonly workflow: string }, 'box'>;

const nodeTypes = { box: GraphBox };

/** The nodes of a workflow and what waits for what. */
export function Graph({ workflow, boxes, follows }: GraphProps) {
  const places = useLayout(boxes);
  const nodes = useMemo(
    () =>
      boxes.boxes.map(
        (box): BoxNode => ({
          id: box.id,
          type: 'box',
          position: places?.[box.id] ?? { x: 0, y: 0 },
          data: { box, workflow },
          width: boxWidth,
          height: boxHeight,
          draggable: false,
          connectable: false,
        }),
      ),
    [boxes, places, workflow],
  );
  const running = useMemo(
    () => new Set(boxes.boxes.filter(({ counts }) => (counts.active ?? 0) > 0).map(({ id }) => id)),
    [boxes],
  );
  const edges = useMemo(
    () =>
      boxes.edges.map(
        ([source, target]): Edge => ({
          id: `${source} ${target}`,
          source,
          target,
          animated: running.has(target),
          focusable: false,
        }),
      ),
    [boxes, running],
  );
  if (places === null) return <Loading lines={8} />;
  return (
    <section className="graph" aria-label={boxes.isCollapsed ? 'Graph by types of jobs' : 'Graph'}>
      {boxes.isCollapsed && <p className="soft">The workflow is large, so each box stands for all jobs of a type.</p>}
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.15 }}
        minZoom={0.05}
        onlyRenderVisibleElements
        nodesFocusable={false}
        proOptions={{ hideAttribution: true }}
      >
        <Background />
        <Controls showInteractive={false} />
        {boxes.boxes.length > 30 && <MiniMap pannable zoomable ariaLabel="Overview of the graph" />}
        {follows && <Follow ids={running} />}
      </ReactFlow>
    </section>
  );
}

function Follow({ ids }: { readonly ids: ReadonlySet<string> }) {
  const { fitView } = useReactFlow();
  useEffect(() => {
    if (ids.size > 0) void fitView({ nodes: [...ids].map((id) => ({ id })), duration: 300, maxZoom: 1 });
  }, [ids, fitView]);
  return null;
}

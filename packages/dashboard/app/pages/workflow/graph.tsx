import { Background, Controls, type Edge, MiniMap, ReactFlow, ReactFlowProvider, useReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import './graph.css';
import { useEffect, useMemo, useRef } from 'react';
import { Loading, toneOf } from '../../ui/index.ts';
import type { Box, Boxes } from './boxes.ts';
import { type BoxNode, GraphBox } from './graph-box.tsx';
import type { Places } from './layout.ts';
import { boxHeight, boxWidth, useLayout } from './use-layout.ts';
import { readable, sizeOf, viewOf } from './view.ts';

export interface GraphProps {
  readonly workflow: string;
  readonly boxes: Boxes;
  /** Keeps what runs in sight. */
  readonly follows: boolean;
}

const nodeTypes = { box: GraphBox };
/** In pixels, around the boxes of a small graph. */
const frame = 96;
/** More boxes have a map beside them. */
const mapFrom = 12;

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
      <ReactFlowProvider>
        {/* Beside the graph, where they cover no box. */}
        <Controls className="graph-controls" orientation="horizontal" showInteractive={false} />
        <div className="graph-flow" style={{ height: `${sizeOf(places).height + frame}px` }}>
          <ReactFlow
            nodes={nodes}
            edges={edges}
            nodeTypes={nodeTypes}
            minZoom={0.05}
            onlyRenderVisibleElements
            nodesFocusable={false}
            proOptions={{ hideAttribution: true }}
          >
            <Background />
            <View places={places} boxes={boxes.boxes} />
            {follows && <Follow ids={running} />}
          </ReactFlow>
        </div>
        {boxes.boxes.length > mapFrom && (
          <MiniMap
            className="graph-map"
            pannable
            zoomable
            ariaLabel="Overview of the graph"
            nodeColor={({ data }: BoxNode) => `var(--${toneOf(data.box.state)})`}
          />
        )}
      </ReactFlowProvider>
    </section>
  );
}

/** Shows a new graph whole where its text can then be read, else what matters most in it. */
function View({ places, boxes }: { readonly places: Places; readonly boxes: readonly Box[] }) {
  const { setViewport } = useReactFlow();
  const latest = useRef(boxes);
  latest.current = boxes;
  const mark = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const frameOf = mark.current?.closest('.react-flow')?.getBoundingClientRect();
    if (frameOf !== undefined) void setViewport(viewOf(places, latest.current, frameOf));
  }, [places, setViewport]);
  return <span ref={mark} hidden />;
}

function Follow({ ids }: { readonly ids: ReadonlySet<string> }) {
  const { fitView } = useReactFlow();
  useEffect(() => {
    if (ids.size > 0)
      void fitView({ nodes: [...ids].map((id) => ({ id })), duration: 300, maxZoom: 1, minZoom: readable });
  }, [ids, fitView]);
  return null;
}

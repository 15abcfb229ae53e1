import { Graph, layout } from '@dagrejs/dagre';

/** Runs in a worker of its own: a large graph takes its time, and the page stays usable. */
export interface LayoutRequest {
  readonly ids: readonly string[];
  readonly edges: readonly (readonly [from: string, to: string])[];
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

export type Places = Readonly<Record<string, { readonly x: number; readonly y: number }>>;

addEventListener('message', ({ data }: MessageEvent<LayoutRequest>) => {
  const { ids, edges, width, height } = data;
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 16, ranksep: 56 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of ids) graph.setNode(id, { width, height });
  for (const [from, to] of edges) graph.setEdge(from, to);
  layout(graph);
  const places: Record<string, { x: number; y: number }> = {};
  for (const id of ids) {
    const { x = 0, y = 0 } = graph.node(id);
    // From the top left corner of all.
    places[id] = { x: x - width / 2, y: y - height / 2 };
  }
  postMessage(places satisfies Places);
});

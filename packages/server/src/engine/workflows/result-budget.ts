import type { WorkflowReader } from '@ojs-ts/core/workflow';
import type { NodeRecord, Storage } from '../../storage/storage.ts';
import { PageSize } from '../page-size.ts';

/** Bounds the results of nodes in memory: what fits, but one at least, which a chain inside of another hands on. */
export class ResultBudget {
  #left: number;
  #isEmpty = true;

  constructor(characters: number) {
    this.#left = characters;
  }

  /** The node, without its result if the budget is used up. */
  take(node: NodeRecord): NodeRecord {
    const size = node.result?.length ?? 0;
    if (size > this.#left && !this.#isEmpty) return { ...node, result: null, resultLeftOut: true };
    if (size > 0) this.#isEmpty = false;
    this.#left -= size;
    return node;
  }
}

/** About how many bytes a node takes in memory. */
export function sizeOfNode({ spec, result, error }: NodeRecord): number {
  return spec.length + (result?.length ?? 0) + (error?.length ?? 0);
}

/** Nodes in pages of a bounded size: their results may be long. */
export function workflowReader({ workflows }: Pick<Storage, 'workflows'>, bytes: number): WorkflowReader {
  const page = new PageSize(bytes);
  return {
    get: workflows.get,
    async nodes(workflow, after, limit) {
      const nodes = await workflows.nodes(workflow, after, Math.min(limit, page.items));
      page.had(nodes.reduce((sum, node) => sum + sizeOfNode(node), 0));
      return nodes;
    },
  };
}

import type { WorkflowReader } from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';
import { PageSize } from '../page-size.ts';
import { sizeOfNode } from './result-budget.ts';

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

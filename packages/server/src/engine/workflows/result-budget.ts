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

/**
 * Reads closed nodes for the results that one job or node gets: a bounded part, the last ones first, as core's
 * `resultsOf` takes them. More is not kept in memory either.
 */
export class ResultReader {
  readonly #workflows: Storage['workflows'];
  readonly #passed: ResultBudget;
  readonly #page: PageSize;

  constructor({ workflows }: Pick<Storage, 'workflows'>, characters: number) {
    this.#workflows = workflows;
    this.#passed = new ResultBudget(characters);
    this.#page = new PageSize(characters);
  }

  /** The nodes that are there, the last ones first. */
  async read(workflow: string, indexes: readonly number[]): Promise<readonly NodeRecord[]> {
    const nodes: NodeRecord[] = [];
    for (let end = indexes.length; end > 0; ) {
      const begin = Math.max(0, end - this.#page.items);
      const refs = indexes.slice(begin, end).map((index) => ({ workflow, index }));
      const found = (await this.#workflows.node(refs)).filter((one) => one !== null);
      this.#page.had(found.reduce((sum, one) => sum + sizeOfNode(one), 0));
      for (const one of found.toReversed()) nodes.push(this.#passed.take(one));
      end = begin;
    }
    return nodes;
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

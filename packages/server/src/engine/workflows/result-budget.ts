import type { NodeRecord } from '../../storage/storage.ts';

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

import type { NodeRecord } from '../../storage/storage.ts';

/** Bounds the results of nodes in memory. */
export class ResultBudget {
  #left: number;

  constructor(characters: number) {
    this.#left = characters;
  }

  /** The node, without its result if the budget is used up. */
  take(node: NodeRecord): NodeRecord {
    const size = node.result?.length ?? 0;
    if (size > this.#left) return { ...node, result: null, resultLeftOut: true };
    this.#left -= size;
    return node;
  }
}

import type { NodeRecord } from '../../storage/storage.ts';

/** Bounds the results of nodes that are held at once. */
export class ResultBudget {
  #left: number;

  constructor(characters: number) {
    this.#left = characters;
  }

  /** The node, without its result where there is no room left for it. */
  take(node: NodeRecord): NodeRecord {
    const size = node.result?.length ?? 0;
    if (size > this.#left) return { ...node, result: null, resultLeftOut: true };
    this.#left -= size;
    return node;
  }
}

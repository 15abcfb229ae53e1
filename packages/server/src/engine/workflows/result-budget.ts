import type { NodeRecord } from '../../storage/storage.ts';

/** Bounds the results of nodes that are held at once. */
export class ResultBudget {
  #left: number;

  constructor(characters: number) {
    this.#left = characters;
  }

  /** The node, without its result where there is no room left for it. */
  take(node: NodeRecord): NodeRecord {
    this.#left -= node.result?.length ?? 0;
    return this.#left < 0 && node.result !== null ? { ...node, result: null } : node;
  }
}

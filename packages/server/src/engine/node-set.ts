import type { NodeRef } from '@ojs-ts/core';

/** Nodes of workflows: most of many are of one workflow, so no key is made of each. */
export class NodeSet {
  readonly #indexes = new Map<string, Set<number>>();

  has({ workflow, index }: NodeRef): boolean {
    return this.#indexes.get(workflow)?.has(index) ?? false;
  }

  add(refs: readonly NodeRef[]): void {
    for (const { workflow, index } of refs) {
      const known = this.#indexes.get(workflow);
      if (known) known.add(index);
      else this.#indexes.set(workflow, new Set([index]));
    }
  }

  delete(refs: readonly NodeRef[]): void {
    for (const { workflow, index } of refs) {
      const known = this.#indexes.get(workflow);
      known?.delete(index);
      if (known?.size === 0) this.#indexes.delete(workflow);
    }
  }
}

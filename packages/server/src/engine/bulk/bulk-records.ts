import type { Millis } from '@ojs-ts/core';
import type { BulkOperation, BulkStep } from '@ojs-ts/core/bulk';
import type { StoredRecord } from '../../storage/storage.ts';
import type { Documents } from '../documents.ts';

/** Operations that run or are stopped, those that have ended, and the jobs of each step. */
const open = 'bulk.open';
const ended = 'bulk.ended';
const step = 'bulk.step';

/** How often a change is made again because another server has changed the operation. */
const rounds = 20;

/** Bulk operations in the store. The version of a document guards every change, so that no step counts twice. */
export class BulkRecords {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** The operation of this id: the new one, or that of a repeated call, which may have ended already. */
  async add(operation: BulkOperation, now: Millis): Promise<BulkOperation> {
    const known = await this.get(operation.id);
    if (known !== null) return known;
    const added = await this.#documents.put(open, operation.id, JSON.stringify(operation), null, now);
    return added === null ? ((await this.get(operation.id)) ?? operation) : operation;
  }

  async get(id: string): Promise<BulkOperation | null> {
    return (await this.#find(id))?.operation ?? null;
  }

  /** Lists operations that have not ended, and those that a crash has left between the two kinds. */
  async open(): Promise<readonly BulkOperation[]> {
    return (await this.#documents.list(open)).map(read);
  }

  /** All of them, the newest first. */
  async list(): Promise<readonly BulkOperation[]> {
    const found = new Map((await this.#documents.list(ended)).map((one) => [one.key, one] as const));
    for (const one of await this.#documents.list(open)) found.set(one.key, one);
    return [...found.values()].map(read).sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1));
  }

  /**
   * The operation after a change; null if there is no such operation, or if the change is to do nothing.
   * @param change is called again if another server has written a newer version.
   */
  async update(
    id: string,
    change: (operation: BulkOperation) => BulkOperation | null,
    now: Millis,
  ): Promise<BulkOperation | null> {
    for (let round = 0; round < rounds; round++) {
      const found = await this.#find(id);
      const changed = found && change(found.operation);
      if (!found || !changed) return null;
      const { kind, version } = found.document;
      if ((await this.#documents.put(kind, id, JSON.stringify(changed), version, now)) === null) continue;
      if (kind === open && hasEnded(changed)) await this.end(changed, now);
      return changed;
    }
    throw new Error(`The bulk operation ${id} was changed by others each time.`);
  }

  /** Moves an operation that has ended to the others; may be repeated after a crash. */
  async end(operation: BulkOperation, now: Millis): Promise<void> {
    await this.#documents.put(ended, operation.id, JSON.stringify(operation), null, now);
    await this.#documents.remove(open, operation.id);
  }

  async step(id: string, number: number): Promise<BulkStep | null> {
    const document = await this.#documents.get(step, stepKey(id, number));
    return document && JSON.parse(document.body);
  }

  /** False if another server has written it. */
  async addStep(id: string, number: number, { ids, next }: BulkStep, now: Millis): Promise<boolean> {
    const body = JSON.stringify({ ids, next });
    return (await this.#documents.put(step, stepKey(id, number), body, null, now)) !== null;
  }

  /**
   * Deletes an operation that does not run, its steps first. A stopped operation may have one step more than it counts.
   */
  async remove({ id, steps }: BulkOperation): Promise<void> {
    for (let number = 0; number <= steps; number++) await this.#documents.remove(step, stepKey(id, number));
    for (const kind of [open, ended]) await this.#documents.remove(kind, id);
  }

  async #find(id: string): Promise<{ readonly document: StoredRecord; readonly operation: BulkOperation } | null> {
    const document = (await this.#documents.get(open, id)) ?? (await this.#documents.get(ended, id));
    if (document === null) return null;
    const operation = read(document);
    if (document.kind !== open || !hasEnded(operation)) return { document, operation };
    // A server died before it moved this document, so a change of it would be lost.
    await this.end(operation, document.updatedAt);
    return this.#find(id);
  }
}

/**
 * Returns the document of an operation for a restored store: one that ran is stopped, so that a person checks it first.
 */
export function restoredOperation(document: StoredRecord): StoredRecord {
  if (document.kind !== open) return document;
  const operation = read(document);
  if (operation.state !== 'running') return document;
  return { ...document, body: JSON.stringify({ ...operation, state: 'stopped' }) };
}

export function hasEnded({ state }: Pick<BulkOperation, 'state'>): boolean {
  return state === 'done' || state === 'failed';
}

function stepKey(id: string, number: number): string {
  return `${id}.${number}`;
}

function read({ body }: StoredRecord): BulkOperation {
  return JSON.parse(body);
}

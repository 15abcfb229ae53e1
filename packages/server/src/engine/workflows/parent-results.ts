import { ByteBudget, type JobRecord, sizeOf } from '@ojs-ts/core/job';
import { run } from '@ojs-ts/core/lifecycle';
import { maxResults, type ParentsRef, parentsRef, placesOf, withParentResults } from '@ojs-ts/core/workflow';
import type { NodeRecord, Storage } from '../../storage/storage.ts';
import { PageSize } from '../page-size.ts';
import { ResultReader, sizeOfNode } from './result-budget.ts';

/** The memory of a node without its result, in bytes. */
const nodeBytes = 300;

/** The results of the steps before a job, read where the job is handed out: see docs/internals/storage.md. */
export class ParentResults {
  readonly #storage: Storage;
  readonly #bytes: number;
  readonly #room: number;
  readonly #cache: NodeCache;

  /** @param bytes the most of one answer, and of the results that are kept for the next one. */
  constructor(storage: Storage, bytes: number) {
    this.#storage = storage;
    this.#bytes = bytes;
    this.#room = Math.min(maxResults, bytes);
    this.#cache = new NodeCache(bytes);
  }

  /** The job with the results of its parents. */
  async of(job: JobRecord): Promise<JobRecord> {
    return (await this.fill([job])).jobs[0] ?? job;
  }

  /** The jobs with the results of their parents. `rest` are those that do not fit one answer; one always does. */
  async fill(
    jobs: readonly JobRecord[],
  ): Promise<{ readonly jobs: readonly JobRecord[]; readonly rest: readonly JobRecord[] }> {
    const refs = jobs.map(parentsRef);
    const wanted = refs.filter((ref) => ref !== null);
    if (wanted.length === 0) return { jobs, rest: [] };
    await this.#readAhead(wanted);
    const budget = new ByteBudget(this.#bytes);
    const filled: JobRecord[] = [];
    for (const [at, job] of jobs.entries()) {
      const ref = refs[at] ?? null;
      const one = ref === null ? job : await run(withParentResults(job, this.#readerOf(ref), this.#room));
      if (!budget.take(sizeOf(one))) break;
      filled.push(one);
    }
    return { jobs: filled, rest: jobs.slice(filled.length) };
  }

  /** Reads the nodes that several jobs need together: a fetch of a hundred chains is a few calls, not a hundred. */
  async #readAhead(refs: readonly ParentsRef[]): Promise<void> {
    const missing = new Map<string, { readonly ref: ParentsRef; readonly index: number }>();
    for (const ref of refs) {
      const kept = this.#cache.of(ref);
      for (const index of placesOf(ref))
        if (index !== null && !kept.has(index)) missing.set(`${keyOf(ref)}:${index}`, { ref, index });
    }
    const all = [...missing.values()];
    const page = new PageSize(this.#bytes);
    for (let at = 0, bytes = 0; at < all.length && bytes < this.#bytes / 2; ) {
      const part = all.slice(at, at + page.items);
      const nodes = await this.#storage.workflows.node(
        part.map(({ ref: { workflow }, index }) => ({ workflow, index })),
      );
      const size = nodes.reduce((sum, node) => sum + (node === null ? 0 : sizeOfNode(node)), 0);
      for (const [place, { ref }] of part.entries()) this.#cache.add(ref, nodes[place] ?? null);
      page.had(size);
      bytes += size;
      at += part.length;
    }
  }

  #readerOf(ref: ParentsRef): Parameters<typeof withParentResults>[1] {
    const results = new ResultReader(this.#storage, this.#room);
    return async (workflow, indexes) => {
      const kept = this.#cache.of(ref);
      const missing = indexes.filter((index) => !kept.has(index));
      if (missing.length === 0) return indexes.map((index) => kept.get(index) ?? null);
      const read = new Map<number, NodeRecord>();
      for (const node of await results.read(workflow, missing)) {
        read.set(node.index, node);
        if (node.resultLeftOut !== true) this.#cache.add(ref, node);
      }
      return indexes.map((index) => read.get(index) ?? kept.get(index) ?? null);
    };
  }
}

const noNodes: ReadonlyMap<number, NodeRecord> = new Map();

/** Closed nodes of the workflows that jobs were handed out of last: the next step of a chain needs one more each. */
class NodeCache {
  readonly #bytes: number;
  /** By workflow, the last used at the end. */
  readonly #flows = new Map<string, { readonly nodes: Map<number, NodeRecord>; size: number }>();
  #size = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  of(ref: ParentsRef): ReadonlyMap<number, NodeRecord> {
    return this.#flows.get(keyOf(ref))?.nodes ?? noNodes;
  }

  add(ref: ParentsRef, node: NodeRecord | null): void {
    if (node === null) return;
    const key = keyOf(ref);
    const flow = this.#flows.get(key) ?? { nodes: new Map(), size: 0 };
    this.#flows.delete(key);
    this.#flows.set(key, flow);
    // Another fetch may have read the node at the same time. A closed node does not change.
    if (flow.nodes.has(node.index)) return;
    // The envelope in a job's node is the largest part of it, and is not read here.
    flow.nodes.set(node.index, node.job === null ? node : { ...node, spec: '' });
    const size = nodeBytes + (node.result?.length ?? 0);
    flow.size += size;
    this.#size += size;
    for (const [oldest, { size }] of this.#flows) {
      if (this.#size <= this.#bytes) break;
      this.#flows.delete(oldest);
      this.#size -= size;
    }
  }
}

function keyOf({ workflow, at }: ParentsRef): string {
  return `${workflow}@${at}`;
}

import type { Json } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';
import { workflowCreated } from './events.ts';
import { type SentParent, withoutLease, withoutParent } from './parent.ts';
import {
  type CallbackName,
  type CompositePlan,
  type JobPlan,
  maxEdges,
  maxNodes,
  tooManyEdges,
  tooManyNodes,
  wrong,
} from './plan.ts';
import { type ReadRequest, type ReadStep, readRequest } from './request.ts';
import { type Block, jobSpecText, joinSpecText, type Parents, workflowSpecText } from './spec.ts';
import type { NewNode, NewWorkflow } from './types.ts';

/** A workflow ready to be created. */
export interface ReadWorkflow {
  readonly workflow: NewWorkflow;
  readonly nodes: readonly NewNode[];
  readonly events: readonly Json[];
  /** The jobs, callbacks among them, as their envelopes say: for checks that need more than the text. */
  readonly steps: readonly ReadStep[];
  readonly unknown: ReadRequest['unknown'];
  /** The step that waits for the workflow, and the lease of its job. */
  readonly parent?: SentParent | null;
}

/**
 * Reads a workflow request in any of its dialects and lays it out as nodes (ojs-workflows §3, ojs-http-binding §14).
 * @param now in milliseconds; the jobs that wait for nothing are created then.
 * @param newId mints the ids of the jobs, and the workflow's where the client sent none.
 * @param latest what relative times of the envelopes count from.
 * @throws ProtocolError `invalid_payload` or `invalid_request` with JSONPaths, and what `readEnvelope` throws about one
 * of the jobs.
 */
export function readWorkflow(text: Json, now: Millis, newId: () => string, latest: Millis = now): ReadWorkflow {
  const { id, name, parent, meta, plan, options, steps, unknown } = readRequest(text, now, newId, latest);
  const { nodes, layout } = compile(plan);
  const spec = workflowSpecText(
    {
      top: plan.items.length,
      key: plan.key,
      nested: plan.items.some((item) => item.kind !== 'job'),
      gate: layout.gate,
      callbacks: layout.callbacks,
      listed: plan.listed,
      options,
      parent: parent && withoutLease(parent),
      meta,
    },
    digest(parent === null ? text : withoutParent(text)),
  );
  const total = nodes.reduce((count, node) => count + (node.member ? 1 : 0), 0);
  const workflow: NewWorkflow = { id, name, kind: plan.kind, spec, total };
  return { workflow, nodes, events: workflowCreated(workflow), steps, unknown, parent };
}

/** The indexes of the nodes of a composite. */
export interface Layout {
  readonly block: Block;
  readonly gate: number | null;
  readonly callbacks: readonly number[];
}

/** The predecessors of a composite: the nodes that it waits for, and those whose results it gets. */
interface Entry {
  readonly after: readonly number[];
  readonly parents: Parents;
}

/** A node whose dependents are not all known yet. */
type Draft = Omit<NewNode, 'next'> & { next: NewNode['next'] };

const none: readonly number[] = [];

/**
 * Lays a plan out as nodes. The items of a composite are consecutive nodes, so its layout needs only their first index;
 * the items of the workflow itself come first. The node of a nested composite is its end; the last node of all ends the
 * workflow.
 * @throws ProtocolError `invalid_request` for more than {@link maxNodes} nodes or {@link maxEdges} dependencies.
 */
export function compile(plan: CompositePlan): { readonly nodes: readonly NewNode[]; readonly layout: Layout } {
  const compiler = new Compiler();
  const { layout, ends } = compiler.place(plan, { after: [], parents: {} });
  compiler.join(compiler.allocate(1), plan.name, ends, joinSpecText({ role: 'root' }));
  return { nodes: compiler.nodes(), layout };
}

class Compiler {
  readonly #drafts: (Draft | null)[] = [];
  /** Empty where it is missing: most nodes have one dependent, and an array that grows takes room for 17. */
  readonly #next: (number[] | undefined)[] = [];
  #edges = 0;

  nodes(): readonly NewNode[] {
    const drafts = this.#drafts.filter((draft) => draft !== null);
    // The drafts become the nodes: copies would double the memory.
    for (const draft of drafts) draft.next = this.#next[draft.index] ?? none;
    return drafts;
  }

  allocate(count: number): number {
    const base = this.#drafts.length;
    if (base + count > maxNodes) throw wrong('$', tooManyNodes);
    for (let made = 0; made < count; made++) {
      this.#drafts.push(null);
      this.#next.push(undefined);
    }
    return base;
  }

  /** Lays out everything but the end; `ends` are the nodes that the end waits for. */
  place(plan: CompositePlan, entry: Entry): { readonly layout: Layout; readonly ends: readonly number[] } {
    const { items, callbacks } = plan;
    const base = this.allocate(items.length);
    const block: Block = [base, items.length];
    const gate = callbacks.length > 0 ? this.allocate(1) : null;
    const firstCallback = this.allocate(callbacks.length);

    const followed = new Set<number>();
    items.forEach((item, index) => {
      const after = (plan.after[index] ?? []).map((other) => base + other);
      for (const other of after) followed.add(other);
      const own =
        after.length === 0
          ? entry
          : { after, parents: plan.kind === 'chain' ? { block: [base, index] as const } : { deps: after } };
      if (item.kind === 'job') this.#job(base + index, item, own, null, false);
      else this.#nest(base + index, item, own);
    });
    const ends = items.flatMap((_, index) => (followed.has(base + index) ? [] : [base + index]));
    if (gate === null) return { layout: { block, gate, callbacks: [] }, ends };

    this.join(gate, plan.name, ends, joinSpecText({ role: 'gate' }));
    const guard = entry.after.length > 0;
    const placed = callbacks.map((callback, index) => {
      this.#job(firstCallback + index, callback, { after: [gate], parents: { block } }, callback.callback, guard);
      return firstCallback + index;
    });
    return { layout: { block, gate, callbacks: placed }, ends: placed };
  }

  join(index: number, name: string, after: readonly number[], spec: Json): void {
    this.#set(index, after, { name, job: null, member: false, spec });
  }

  #job(index: number, plan: JobPlan, { after, parents }: Entry, callback: CallbackName | null, guard: boolean): void {
    const spec = jobSpecText({ job: plan.text, options: plan.options, parents, callback, guard });
    this.#set(index, after, { name: plan.name, job: plan.id, member: callback === null, spec });
  }

  #nest(index: number, plan: CompositePlan, entry: Entry): void {
    const { layout, ends } = this.place(plan, entry);
    const role = plan.kind === 'dag' ? 'group' : plan.kind;
    const { block, callbacks } = layout;
    this.join(
      index,
      plan.name,
      ends,
      joinSpecText({ role, key: plan.key, block, callbacks, guard: entry.after.length > 0 }),
    );
  }

  #set(index: number, after: readonly number[], node: Omit<Draft, 'index' | 'open' | 'next'>): void {
    const { name, job, member, spec } = node;
    this.#drafts[index] = { index, open: after.length, member, name, job, next: none, spec };
    for (const other of after) {
      const next = this.#next[other];
      if (next) next.push(index);
      else this.#next[other] = [index];
    }
    this.#edges += after.length;
    if (this.#edges > maxEdges) throw wrong('$', tooManyEdges);
  }
}

/**
 * 64 bits of a text (after FNV-1a, with two primes): distinguishes a repeated request from another one under the same
 * id. A client that forges one harms only itself.
 */
export function digest(text: string): string {
  const [left, right] = [0x01000193, 0x85ebca6b];
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  // Four bytes a step: a text of 350 characters takes 0.4 µs so, 1.0 with charCodeAt.
  const bytes = new TextEncoder().encode(text);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? 0;
    // A product carries a bit upwards only, so the upper ones are brought down first.
    a = Math.imul(a ^ (a >>> 15) ^ word, left);
    b = Math.imul(b ^ (b >>> 15) ^ word, right);
  }
  const rest = bytes.subarray(words.length * 4).reduce((code, byte) => (code << 8) | byte, 1);
  return [Math.imul(a ^ (a >>> 15) ^ rest, left), Math.imul(b ^ (b >>> 15) ^ rest, right)]
    .map((half) => (half >>> 0).toString(16).padStart(8, '0'))
    .join('');
}

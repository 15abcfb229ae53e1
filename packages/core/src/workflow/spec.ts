import type { Json } from '../job/job.ts';
import { elements, members, objectText } from '../json/json.ts';
import type { CallbackName, ListKey } from './plan.ts';
import type { WorkflowParent, WorkflowRecord } from './types.ts';

/** `count` nodes from index `base` on: one node for each item of a chain, group or batch. */
export type Block = readonly [base: number, count: number];

/**
 * The content of `NodeRecord.spec`. This is the largest value that is stored once per job, so it repeats nothing and
 * leaves out defaults.
 */
export type NodeSpec = JobSpec | JoinSpec;

export interface JobSpec {
  readonly role: 'job';
  /** The envelope as sent. */
  readonly job: Json;
  /** Index of the options in the workflow's spec that hold where the envelope has none of its own. */
  readonly options: number | null;
  /** Nodes whose results the job is given, in order. */
  readonly parents: Parents;
  readonly callback: CallbackName | null;
  /** True for a callback: its batch is skipped if its predecessor failed. */
  readonly guard: boolean;
}

export interface Parents {
  readonly block?: Block;
  readonly deps?: readonly number[];
}

export type JoinSpec =
  /** All jobs of a batch have ended: passes where none failed. */
  | { readonly role: 'gate' }
  /** The workflow ends with it. */
  | { readonly role: 'root' }
  /** The end of a nested composite, which represents it in the composite around it. */
  | {
      readonly role: 'chain' | 'group' | 'batch';
      readonly key: ListKey;
      readonly block: Block;
      readonly callbacks: readonly number[];
      readonly guard: boolean;
    };

/** The content of `WorkflowRecord.spec`. The items of the workflow itself are the nodes from 0 to `top` - 1. */
export interface WorkflowSpec {
  readonly top: number;
  readonly key: ListKey;
  /** Some of the items are chains, groups or batches. */
  readonly nested: boolean;
  readonly gate: number | null;
  readonly callbacks: readonly number[];
  readonly listed: boolean;
  readonly options: readonly Json[];
  /** The step that waits for its end. */
  readonly parent: WorkflowParent | null;
  readonly meta: Json | null;
}

const envelopeKey = '"run":';
const parentKey = '"parent":';

/** The envelope comes last, so that it is found without being read. */
export function jobSpecText(spec: Omit<JobSpec, 'role'>): Json {
  let text = '{';
  if (spec.options !== null) text += `"options":${spec.options},`;
  if (spec.parents.block) text += `"block":[${spec.parents.block}],`;
  if (spec.parents.deps) text += `"deps":[${spec.parents.deps}],`;
  if (spec.callback !== null) text += `"callback":"${spec.callback}",`;
  return `${text}${spec.guard ? '"guard":true,' : ''}${envelopeKey}${spec.job}}`;
}

export function joinSpecText(spec: JoinSpec): Json {
  if (spec.role === 'gate' || spec.role === 'root') return `{"join":"${spec.role}"}`;
  let text = `{"join":"${spec.role}","key":"${spec.key}","block":[${spec.block}]`;
  if (spec.callbacks.length > 0) text += `,"callbacks":[${spec.callbacks}]`;
  return `${text}${spec.guard ? ',"guard":true' : ''}}`;
}

export function readNodeSpec(text: Json): NodeSpec {
  const [job, texts] = splitJob(text);
  const block: Block | null = parsed(texts, 'block');
  const guard = texts.has('guard');
  if (job === undefined) {
    const role: JoinSpec['role'] | null = parsed(texts, 'join');
    if (role === 'chain' || role === 'group' || role === 'batch') {
      return {
        role,
        key: parsed(texts, 'key') ?? 'steps',
        block: block ?? [0, 0],
        callbacks: parsed(texts, 'callbacks') ?? [],
        guard,
      };
    }
    return { role: role ?? 'root' };
  }
  const deps: readonly number[] | null = parsed(texts, 'deps');
  const parents = block ? { block } : deps ? { deps } : {};
  return { role: 'job', job, options: parsed(texts, 'options'), parents, callback: parsed(texts, 'callback'), guard };
}

/** The envelope, and the other members. */
function splitJob(text: Json): readonly [Json | undefined, ReadonlyMap<string, Json>] {
  const at = text.indexOf(envelopeKey);
  if (at === -1) return [undefined, members(text)];
  return [text.slice(at + envelopeKey.length, -1), members(`${text.slice(0, at)}}`)];
}

/** @param digest of the request, so that another one under the same id is another text. */
export function workflowSpecText(spec: WorkflowSpec, digest: string): Json {
  let text = `{"top":${spec.top},"key":"${spec.key}"`;
  if (spec.nested) text += ',"nested":true';
  if (spec.gate !== null) text += `,"gate":${spec.gate}`;
  if (spec.callbacks.length > 0) text += `,"callbacks":[${spec.callbacks}]`;
  if (spec.listed) text += ',"listed":true';
  if (spec.options.length > 0) text += `,"options":[${spec.options.join(',')}]`;
  if (spec.parent !== null) text += `,${parentKey}${JSON.stringify(spec.parent)}`;
  if (spec.meta !== null) text += `,"meta":${spec.meta}`;
  return `${text},"digest":"${digest}"}`;
}

/** The step that waits for a workflow; null for most, whose text is not read. */
export function parentOf({ spec }: Pick<WorkflowRecord, 'spec'>): WorkflowParent | null {
  return spec.includes(parentKey) ? readWorkflowSpec(spec).parent : null;
}

/** The text without the parent, which waits for one workflow only. */
export function orphaned(spec: Json): Json {
  if (!spec.includes(parentKey)) return spec;
  const kept = new Map(members(spec));
  kept.delete('parent');
  return objectText(kept);
}

export function readWorkflowSpec(text: Json): WorkflowSpec {
  const texts = members(text);
  return {
    top: parsed(texts, 'top') ?? 0,
    key: parsed(texts, 'key') ?? 'steps',
    nested: texts.has('nested'),
    gate: parsed(texts, 'gate'),
    callbacks: parsed(texts, 'callbacks') ?? [],
    listed: texts.has('listed'),
    options: elements(texts.get('options') ?? '[]'),
    parent: parsed(texts, 'parent'),
    meta: texts.get('meta') ?? null,
  };
}

/** Reads a member that this server wrote. */
function parsed<T>(texts: ReadonlyMap<string, Json>, name: string): T | null {
  const text = texts.get(name);
  return text === undefined ? null : JSON.parse(text);
}

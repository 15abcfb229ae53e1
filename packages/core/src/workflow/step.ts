import type { Json } from '../job/job.ts';
import { isObject, members, objectText } from '../json/json.ts';
import { type CallbackName, callbackNames, wrong } from './plan.ts';

/** An object of the request: its parsed values beside its raw text. */
export interface Source {
  readonly values: Readonly<Record<string, unknown>>;
  readonly text: Json;
  /** The raw texts of its members, where they were read with the list around it. */
  readonly members?: ReadonlyMap<string, Json> | null;
  /** JSONPath in the request. */
  readonly path: string;
}

/**
 * An item of a chain, group, batch or graph: what it is called, what it waits for, and whether `options.callback_type`
 * makes it a callback.
 */
export interface Step extends Source {
  /** Its id, or else its index. */
  readonly name: string;
  /** The `name` that it was given beside its id, or instead of one: others may depend on it by either. */
  readonly alias: string | null;
  readonly dependsOn: readonly string[];
  readonly callback: CallbackName | null;
}

const callbacks: ReadonlyMap<unknown, CallbackName> = new Map<unknown, CallbackName>(
  callbackNames.flatMap((name) => [name, name.replace('_', '-')].map((spelling) => [spelling, name] as const)),
);

/** The callback that a text means, whether written with `_` or `-`. */
export function callbackOf(text: unknown): CallbackName | null {
  return callbacks.get(text) ?? null;
}

/** @throws ProtocolError `invalid_request`. */
export function readStep(source: Source, index: number): Step {
  const { values, path } = source;
  const id = values.id ?? null;
  const dependsOn = values.depends_on ?? [];
  if (!isNames(dependsOn)) throw wrong(`${path}.depends_on`, 'depends_on must be an array of step ids');
  const type = isObject(values.options) ? (values.options.callback_type ?? null) : null;
  const callback = callbackOf(type);
  if (type !== null && callback === null)
    throw wrong(`${path}.options.callback_type`, `callback_type must be one of ${callbackNames.join(', ')}`);
  const alias = typeof values.name === 'string' ? values.name : null;
  return { ...source, name: id === null ? String(index) : readLabel(id, `${path}.id`, 1), alias, dependsOn, callback };
}

/** The envelope of a step: what it says about the workflow is no part of the job. */
export function envelopeOf({ values, text }: Source): Json {
  if (!('id' in values) && !('depends_on' in values)) return text;
  const kept = new Map(members(text));
  kept.delete('id');
  kept.delete('depends_on');
  return objectText(kept);
}

/** A text that people read. */
export function readLabel(value: unknown, path: string, min: number): string {
  if (
    typeof value === 'string' &&
    value.length >= min &&
    value.length <= 255 &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  )
    return value;
  throw wrong(
    path,
    `${path.slice(path.lastIndexOf('.') + 1)} must be a text of ${min} to 255 characters without control characters`,
  );
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

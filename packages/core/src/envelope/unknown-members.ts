import type { ValidationIssue } from '../errors.ts';
import { isObject } from '../json/json.ts';
import { nearestName } from '../suggestion.ts';

/** The members that an object of the protocol may have. */
export interface Shape {
  /**
   * The value of a member: another object of the protocol, or a list of them; null for scalars and for data of users,
   * which the server does not inspect.
   */
  readonly members: ReadonlyMap<string, Shape | null>;
  /** True if members of extensions (`ext_ml_gpu_count`, `x_custom`) are also allowed. */
  readonly open: boolean;
}

/** A member that the protocol does not have. */
export interface UnknownMember {
  /** JSONPath. */
  readonly path: string;
  readonly name: string;
  readonly shape: Shape;
}

/** A member that the server accepted, and that has no effect. */
export interface Warning extends ValidationIssue {
  /** The nearest known name; null if none is near. */
  readonly suggestion: string | null;
}

/**
 * The most members that are reported for one object, and the most warnings of one answer: a suggestion costs about 0.1
 * ms.
 */
export const maxWarnings = 20;

/**
 * ojs-ml-resources and ojs-ai-agents name their attributes `ext_…`; a user's own begin with `x_`, `x-` or `x:`
 * (ojs-extension-lifecycle §9).
 */
const extension = /^(?:ext_|x[_:-])/;
const none: readonly UnknownMember[] = [];

/** @param nested members whose values are objects of the protocol themselves. */
export function shapeOf(names: Iterable<string>, nested: Readonly<Record<string, Shape>> = {}, open = false): Shape {
  return { members: new Map([...[...names].map((name) => [name, null] as const), ...Object.entries(nested)]), open };
}

/**
 * The first {@link maxWarnings} members of `value` that the shape does not have, at any depth, also within the items of
 * a list.
 */
export function unknownMembers(value: unknown, shape: Shape, path: string): readonly UnknownMember[] {
  return Array.isArray(value) ? inList(value, shape, path) : isObject(value) ? inObject(value, shape, path) : none;
}

function inObject(value: Readonly<Record<string, unknown>>, shape: Shape, path: string): readonly UnknownMember[] {
  let found: UnknownMember[] | null = null;
  for (const name of Object.keys(value)) {
    const nested = shape.members.get(name);
    if (nested === null || (nested === undefined && shape.open && extension.test(name))) continue;
    const at = `${path}.${name.slice(0, 255)}`;
    const more = nested === undefined ? [{ path: at, name, shape }] : unknownMembers(value[name], nested, at);
    if (more.length === 0) continue;
    found = [...(found ?? []), ...more];
    if (found.length >= maxWarnings) return found.slice(0, maxWarnings);
  }
  return found ?? none;
}

/**
 * Ends after the last reported member: a list of 32 MB with an unknown member in each item blocked the event loop for
 * 6.5 s.
 */
function inList(values: readonly unknown[], shape: Shape, path: string): readonly UnknownMember[] {
  let found: UnknownMember[] | null = null;
  for (let index = 0; index < values.length; index++) {
    const more = unknownMembers(values[index], shape, `${path}[${index}]`);
    if (more.length === 0) continue;
    found = [...(found ?? []), ...more];
    if (found.length >= maxWarnings) return found.slice(0, maxWarnings);
  }
  return found ?? none;
}

/** Makes the warning of an answer about a member. @param effect completes the sentence "unknown member; …". */
export function warningOf({ path, name, shape }: UnknownMember, effect = 'it has no effect'): Warning {
  const suggestion = nearestName(name, shape.members.keys()) ?? null;
  return {
    path,
    message: `unknown member; ${effect}.${suggestion === null ? '' : ` Did you mean ${suggestion}?`}`,
    suggestion,
  };
}

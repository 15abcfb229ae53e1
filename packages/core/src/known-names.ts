/** The names that an object of options may have; a nested object has its own list at its name. */
export interface Names {
  readonly [name: string]: true | Names;
}

/**
 * The names of an interface. The compiler refuses a list that lacks a name, so a new option cannot be forgotten. Names
 * with `~` carry types only.
 */
export type NamesOf<T> = Readonly<Record<Exclude<Extract<keyof T, string>, `~${string}`>, true | Names>>;

/**
 * Reports whether all own names of the object are known, also within nested objects. Runs with every enqueue, so it
 * allocates only the list of keys.
 */
export function isKnown(options: unknown, names: Names): boolean {
  if (!isOptions(options)) return false;
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(names, name)) return false;
    const inner = names[name];
    if (inner === undefined || inner === true) continue;
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined && !isKnown(value, inner)) return false;
  }
  return true;
}

/** The reason why {@link isKnown} is false. */
export interface UnknownName {
  /** The path of the object; empty for the options themselves. */
  readonly path: string;
  readonly names: Names;
  /** The unknown name in it. Null if `value` is no object. */
  readonly name: string | null;
  readonly value: unknown;
}

export function findUnknownName(options: unknown, names: Names, path = ''): UnknownName | null {
  if (!isOptions(options)) return { path, names, name: null, value: options };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(names, name)) return { path, names, name, value };
    const inner = names[name];
    if (inner === undefined || inner === true || value === undefined) continue;
    const found = findUnknownName(value, inner, within(path, name));
    if (found !== null) return found;
  }
  return null;
}

/** `retry.maxAttempts` */
export function within(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

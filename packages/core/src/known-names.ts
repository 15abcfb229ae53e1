/** The names that an object of options may have; those of an object within stand at its name. */
export interface Names {
  readonly [name: string]: true | Names;
}

/**
 * The list of an interface's names. The compiler refuses one that lacks a name, so a new option cannot be forgotten.
 * Names with `~` carry types only.
 */
export type NamesOf<T> = Readonly<Record<Exclude<Extract<keyof T, string>, `~${string}`>, true | Names>>;

/**
 * Whether all own names of the object are known, those of listed objects within too. Runs with every enqueue, so it
 * makes nothing but the list of keys.
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

/** What keeps {@link isKnown} from being true. */
export interface Stranger {
  /** Where the object stands; empty for the options themselves. */
  readonly path: string;
  readonly names: Names;
  /** The unknown name in it; null where it is no object, but `value`. */
  readonly name: string | null;
  readonly value: unknown;
}

export function strangerIn(options: unknown, names: Names, path = ''): Stranger | null {
  if (!isOptions(options)) return { path, names, name: null, value: options };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(names, name)) return { path, names, name, value };
    const inner = names[name];
    if (inner === undefined || inner === true || value === undefined) continue;
    const found = strangerIn(value, inner, within(path, name));
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

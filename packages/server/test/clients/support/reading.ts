export type Dict = Readonly<Record<string, unknown>>;

/** A JSON object, or an error as a client would have it. */
export function dict(value: unknown): Dict {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new TypeError(`expected an object, got ${JSON.stringify(value)}`);
}

/** What the client can not do without. */
export function required(from: Dict, name: string): unknown {
  if (!Object.hasOwn(from, name)) throw new Error(`KeyError: '${name}'`);
  return from[name];
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`expected a string, got ${JSON.stringify(value)}`);
}

export function array(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`expected an array, got ${JSON.stringify(value)}`);
}

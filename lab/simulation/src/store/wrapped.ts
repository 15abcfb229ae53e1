import type { Storage } from '../../../../packages/server/src/storage/storage.ts';

interface Wrapping {
  /** Makes every call of a method. */
  readonly around: (name: string, call: () => unknown) => Promise<unknown>;
  readonly traits?: (traits: Storage['traits']) => Storage['traits'];
  /** Methods at the top that are replaced. */
  readonly own: object;
}

/** A storage of which every method, also of its parts, goes through `around`. */
export function wrapped(storage: Storage, { around, traits, own }: Wrapping): Storage {
  const wrap = <T extends object>(target: T, path: string): T => {
    const made = new Map<string | symbol, unknown>();
    return new Proxy(target, {
      get(_, name) {
        if (made.has(name)) return made.get(name);
        const value: unknown = Reflect.get(target, name, target);
        let replaced = value;
        if (path === '' && name in own) replaced = Reflect.get(own, name);
        else if (path === '' && name === 'traits') replaced = traits?.(storage.traits) ?? value;
        else if (typeof value === 'function')
          replaced = (...args: unknown[]) => around(path + String(name), () => Reflect.apply(value, target, args));
        else if (typeof value === 'object' && value !== null) replaced = wrap(value, `${path}${String(name)}.`);
        made.set(name, replaced);
        return replaced;
      },
    });
  };
  return wrap(storage, '');
}

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import { didYouMean } from '../../../packages/core/src/suggestion.ts';
import * as open from '../../../packages/server/src/storage/open.ts';
import type { Storage } from '../../../packages/server/src/storage/storage.ts';
import { exportOf, luaFolder } from './names.ts';

/** Finds what it changes, or throws. What it answers makes the change, and answers what takes it back. */
export type Plant = () => () => () => void;

type AnyFunction = (...args: never[]) => unknown;

/** In place of a function: `next` is the function itself. */
type Instead<Self, Original> = Original extends (...args: infer Args) => infer Answer
  ? (this: Self, next: (...args: Args) => Answer, ...args: Args) => Answer
  : never;

/** Replaces a function of a module, given as its namespace, or a method of an object such as the prototype of a class. */
export function on<Of extends object, Name extends keyof Of & string>(
  of: Of,
  name: Name,
  instead: Instead<Of, Of[Name]>,
): Plant;
export function on(of: object, name: string, instead: AnyFunction): Plant {
  return () => {
    const slot = slotOf(of, name);
    const original = slot.get();
    if (typeof original !== 'function') throw new Error(`${name} is no function.`);
    return changing(slot, function (this: unknown, ...args: readonly unknown[]) {
      const next = (...given: readonly unknown[]) => Reflect.apply(original, this, given);
      return Reflect.apply(instead, this, [next, ...args]);
    });
  };
}

/** Gives a constant of a module, or a member of an object, another value. */
export function set<Of extends object, Name extends keyof Of & string>(
  of: Of,
  name: Name,
  value: Of[Name] extends number ? number : Of[Name],
): Plant {
  return () => {
    return changing(slotOf(of, name), value);
  };
}

interface Slot {
  readonly get: () => unknown;
  readonly set: (value: unknown) => void;
}

function changing({ get, set }: Slot, value: unknown): ReturnType<Plant> {
  return () => {
    const original = get();
    set(value);
    return () => set(original);
  };
}

function slotOf(of: object, name: string): Slot {
  if (Object.prototype.toString.call(of) === '[object Module]') return exportOf(of, name);
  if (!(name in of)) throw new Error(`${name} is no member.${didYouMean(name, Object.keys(of))}`);
  return {
    get: () => Reflect.get(of, name),
    set: (value) => void Object.defineProperty(of, name, { value, configurable: true, writable: true }),
  };
}

type Part = Exclude<keyof Storage, 'traits' | 'inbox' | typeof Symbol.asyncDispose>;
type Parts = { readonly [Name in Part as Storage[Name] extends AnyFunction | undefined ? never : Name]: Storage[Name] };

/** Wraps a method of every storage that is opened. */
export function stored<Of extends keyof Parts, Name extends keyof Parts[Of] & string>(
  part: Of,
  name: Name,
  instead: Instead<Parts[Of], Parts[Of][Name]>,
): Plant {
  return on(open, 'openStorage', async (next, ...args) => {
    const storage = await next(...args);
    on<Parts[Of], Name>(storage[part], name, instead)()();
    return storage;
  });
}

/**
 * Adds text to the end of a module of `packages/server/lua`: functions of the module that it declares anew take the
 * place of those of the same name, and `original` is the first of them.
 */
export function lua(module: string, text: string): Plant {
  return () => {
    const file = resolve(luaFolder, `${module}.lua`);
    if (!fs.existsSync(file)) {
      const modules = fs.globSync('*/*.lua', { cwd: luaFolder }).map((name) => name.slice(0, -'.lua'.length));
      throw new Error(`There is no Lua module ${module}.${didYouMean(module, modules)}`);
    }
    const functions = /^ *(?:local )?function ([\w.]+)/gm;
    const namesIn = (lines: string) => [...lines.matchAll(functions)].map(([, name = '']) => name);
    const declared = namesIn(fs.readFileSync(file, 'utf8'));
    const [first, ...more] = namesIn(text);
    if (first === undefined) throw new Error(`A bug of the Lua module ${module} declares no function.`);
    for (const name of [first, ...more])
      if (!declared.includes(name))
        throw new Error(`${module}.lua has no function ${name}.${didYouMean(name, declared)}`);
    return () => {
      const original = fs.readFileSync;
      const readFileSync = new Proxy(original, {
        apply(read, self, args) {
          const found: unknown = Reflect.apply(read, self, args);
          const [path] = args;
          const isMeant = typeof found === 'string' && String(path).endsWith(`/lua/${module}.lua`);
          return isMeant ? `${found}\ndo\nlocal original = ${first}\n${text}\nend\n` : found;
        },
      });
      const use = (one: typeof original) => {
        Object.assign(fs, { readFileSync: one });
        syncBuiltinESMExports();
      };
      use(readFileSync);
      return () => use(original);
    };
  };
}

/**
 * The exports of the product's modules, by name. The hook adds to each module, as it is loaded, a call of
 * {@link declare}: a module's own functions can then be replaced from outside, also for the callers in it.
 */
import { fileURLToPath } from 'node:url';
import { didYouMean } from '../../../packages/core/src/suggestion.ts';

interface Export {
  readonly get: () => unknown;
  readonly set: (value: unknown) => void;
}

const exported = new Map<string, Export[]>();

export function declare(exports: Readonly<Record<string, readonly [Export['get'], Export['set']]>>): void {
  for (const [name, [get, set]] of Object.entries(exports))
    exported.set(name, [...(exported.get(name) ?? []), { get, set }]);
}

/**
 * The export that the module namespace has under the name, also where it comes from another module.
 * @throws Error where there is none.
 */
export function exportOf(module: object, name: string): Export {
  const value: unknown = Reflect.get(module, name);
  const [found, other] = (exported.get(name) ?? []).filter(({ get }) => Object.is(get(), value));
  if (found !== undefined && other === undefined) return found;
  const problem = found === undefined ? 'is no export' : 'is exported by two modules: name one of them';
  throw new Error(`${name} ${problem}.${didYouMean(name, Object.keys(module))}`);
}

const product = new URL('../../../packages/', import.meta.url).href;
const declaration = /^export (?:(?:async )?function\*? ?|(?:abstract )?class |(?:const|let) )(\w+)/gm;

/** The source of a module with its exports declared; null for one that is not the product's. */
export function declaring(url: string, source: string): string | null {
  if (!url.startsWith(product) || !/^(?:core|sdk|server)\/src\//.test(url.slice(product.length))) return null;
  const names = [...new Set([...source.matchAll(declaration)].flatMap(([, name = '']) => name))];
  const cells = names.map((name) => `${name}: [() => ${name}, ($value) => { ${name} = $value; }]`);
  const lines = source.replace(/^export const (?=\w)/gm, 'export let ');
  return `${lines}\nimport { declare as $declare } from ${JSON.stringify(import.meta.url)};$declare({ ${cells.join(', ')} });\n`;
}

export const luaFolder: string = fileURLToPath(new URL('server/lua/', product));

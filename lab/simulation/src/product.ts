import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { uuidv7 } from '@ojs-ts/core';
import { draws } from './world/globals.ts';

const root = resolve(import.meta.dirname, '../../../packages');

/** Parts of the SDK are loaded with their first use: true I/O then, none ever after. */
const lazy =
  'sdk/src/{*,client/*,connection/*,job/*,options/*,operations/*,enqueue/*,events/*,workflow/*,middleware/*,worker/**/*}.ts';

export async function loadProduct(): Promise<void> {
  for (const file of globSync(lazy, { cwd: root }).sort()) await import(resolve(root, file));
}

/** The pool of random bytes in `core/src/uuid.ts` is used up, so that the next bytes are those of this world. */
export function renewPool(): void {
  for (const before = draws.count; draws.count === before; ) uuidv7();
}

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { didYouMean, isObject } from '@ojs-ts/core';
import { Failure } from './failure.ts';

/** A server or a storage under a name of the user's. */
export type Context =
  | { readonly url: string; readonly token?: string; readonly storage?: never }
  | { readonly storage: string; readonly url?: never; readonly token?: never };

export interface Contexts {
  /** The one that commands use where they are given none. */
  readonly current: string | null;
  readonly named: Readonly<Record<string, Context>>;
}

/** `$XDG_CONFIG_HOME/ojs/contexts.json`; without the variable below `~/.config`. */
export function contextsFile(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'ojs', 'contexts.json');
}

/** @throws Failure for a file that holds something else. */
export function readContexts(file = contextsFile()): Contexts {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { current: null, named: {} };
    throw error;
  }
  const read = contextsIn(text);
  if (read === null)
    throw new Failure(
      'usage',
      `${file}: expected {"current": NAME, "contexts": {NAME: {"url": URL}}}, or {"storage": URL}. Mend or delete it.`,
    );
  return read;
}

/** Only the user may read the file, because it holds tokens. */
export function writeContexts({ current, named }: Contexts, file = contextsFile()): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify({ current, contexts: named }, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, file);
}

/** @throws Failure if there is none of this name. */
export function contextNamed(name: string, { named }: Contexts): Context {
  const context = named[name];
  if (context !== undefined && Object.hasOwn(named, name)) return context;
  const names = Object.keys(named);
  const known =
    names.length === 0
      ? `none is set. Add it with: ojs context set ${name} --url URL`
      : `known are ${names.join(', ')}`;
  throw new Failure(
    'usage',
    `There is no context ${JSON.stringify(name)}: ${known}${names.length === 0 ? '' : '.'}${didYouMean(name, names)}`,
  );
}

function contextsIn(text: string): Contexts | null {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(file) || !isObject(file.contexts)) return null;
  const named: [string, Context][] = [];
  for (const [name, context] of Object.entries(file.contexts)) {
    if (!isObject(context)) return null;
    const { url, token, storage } = context;
    if (typeof url === 'string') named.push([name, { url, ...(typeof token === 'string' && { token }) }]);
    else if (typeof storage === 'string') named.push([name, { storage }]);
    else return null;
  }
  return { current: typeof file.current === 'string' ? file.current : null, named: Object.fromEntries(named) };
}

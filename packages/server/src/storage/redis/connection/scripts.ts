import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { luaFolder as directory } from '../../../files.ts';
import { StoreUnavailable } from '../../unavailable.ts';
import type { Connection, Reply, ScriptText } from './connection.ts';
import { type Packed, Packer, unpack } from './msgpack.ts';

/** A line at the beginning of a file: the names of another file that this one uses. */
const header = /^local [\w, ]+ = require\('([\w-]+)'\)\n/gm;
const required = /require\('([\w-]+)'\)/g;
/** The line at the end of a file of `lua/lib`: its value. */
const value = /^return (\w+)$/m;
/** Redis keeps the texts of scripts, so they have no comments and no space at the beginning of lines. */
const unneeded = /^ *(?:--.*)?/gm;

/**
 * The tables that may contain an operation. An operation in `adding` is refused as a whole if the server is out of
 * memory.
 */
const flags: Readonly<Record<string, string>> = {
  reading: ' flags=no-writes',
  adding: '',
  changing: ' flags=allow-oom',
};

/** An operation: its table, its name, its parameter. */
const operation = /^function (reading|adding|changing)\.(\w+)\((\w*)\)/gm;

/**
 * Runs the operations of `lua/ops`, each of which is one script. An operation with a parameter takes one packed value
 * and answers one; one without reads ARGV and answers a Redis reply.
 */
export class Scripts {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #scripts: ReadonlyMap<string, ScriptText>;
  readonly #packer = new Packer();
  #suspended: string | null = null;

  constructor(connection: Connection, prefix: string, events: boolean) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#scripts = loadScripts(events);
  }

  /** The channel on which scripts publish what has happened. */
  get channel(): string {
    return `${this.#prefix}wake`;
  }

  /** From now on every call is refused, for the reason; null takes that back. */
  suspend(reason: string | null): void {
    this.#suspended = reason;
  }

  /** @throws StoreUnavailable while calls are refused. */
  check(): void {
    if (this.#suspended !== null) throw new StoreUnavailable(this.#suspended);
  }

  /** Runs an operation without a parameter: texts are its ARGV, and strings of its reply are texts. */
  async run(name: string, args: readonly (string | number | Buffer)[]): Promise<Reply> {
    this.check();
    return this.#connection.script(this.#script(name), this.#prefix, args);
  }

  /** Runs an operation with a parameter. A null travels as `false`. */
  async exchange(name: string, request: Packed): Promise<Packed> {
    this.check();
    return unpack(await this.#connection.packedScript(this.#script(name), this.#prefix, this.#packer.pack(request)));
  }

  #script(name: string): ScriptText {
    const script = this.#scripts.get(name);
    if (!script) throw new Error(`There is no Lua operation '${name}'.`);
    return script;
  }
}

const loaded = new Map<boolean, ReadonlyMap<string, ScriptText>>();

function loadScripts(events: boolean): ReadonlyMap<string, ScriptText> {
  const cached = loaded.get(events);
  if (cached) return cached;
  const files = readdirSync(new URL('ops/', directory)).filter((file) => file.endsWith('.lua'));
  const scripts = new Map(files.flatMap((file) => [...scriptsOf(read(`ops/${file}`), events)]));
  loaded.set(events, scripts);
  return scripts;
}

/**
 * A script for each operation of a file. The files of `lua/hot` that it needs are one scope with it, since each copy of
 * a name costs time in every call. The files of `lua/lib` are a scope inside it, which the first `require` of one of
 * them makes: all of their functions take 20 µs, and plain jobs need none of them.
 */
export function scriptsOf(file: string, events: boolean): ReadonlyMap<string, ScriptText> {
  const needed = modulesOf(file);
  const textOf = ({ text }: Module) => text.replaceAll(header, '').replace(value, '').replaceAll(unneeded, '');
  const hot = needed.filter(({ value }) => value === null);
  const others = needed.filter(({ value }) => value !== null);
  const names = new Set(hot.map(({ name }) => name));
  const texts = [
    `local logged = ${events}`,
    'local require, loaded',
    ...hot.map(textOf),
    'do',
    'local modules',
    'local function load()',
    ...others.map(textOf),
    `return { ${others.map(({ name, value }) => `['${name}'] = ${value}`).join(', ')} }`,
    'end',
    'function loaded(name) return modules and modules[name] end',
    'function require(name)',
    'modules = modules or load()',
    'return modules[name]',
    'end',
    'end',
    'local reading, adding, changing = {}, {}, {}',
    file.replaceAll(header, (line, name: string) => (names.has(name) ? '' : line)).replaceAll(unneeded, ''),
  ];
  return new Map(
    [...file.matchAll(operation)].map(([, table = '', name = '', parameter]) => {
      const call = parameter === '' ? `return ${table}.${name}()` : `return pack(${table}.${name}(unpacked(ARGV[1])))`;
      return [name, new Script(() => [`#!lua${flags[table]}`, ...texts, call])];
    }),
  );
}

/** A file of `lua/hot`, or one of `lua/lib` with the name of its value. */
interface Module {
  readonly name: string;
  readonly text: string;
  readonly value: string | null;
}

/** The modules that a file needs. Each comes behind those that it requires at its beginning. */
function modulesOf(file: string): readonly Module[] {
  const found = new Map<string, Module>();
  const visited = new Set<string>();
  const visit = (pattern: RegExp, text: string) => {
    for (const [, name = ''] of text.matchAll(pattern)) {
      if (visited.has(name)) continue;
      visited.add(name);
      const module = moduleOf(name);
      visit(header, module.text);
      found.set(name, module);
      visit(required, module.text);
    }
  };
  visit(header, file);
  visit(required, file);
  // Every script begins with the check of its deadline.
  visit(required, "require('common')");
  return [...found.values()];
}

/** Joined for its first call: the texts of 60 scripts take 2 MB, and a server uses some of them. */
class Script implements ScriptText {
  readonly #texts: () => readonly string[];
  #text: string | undefined;
  #sha: string | undefined;

  constructor(texts: () => readonly string[]) {
    this.#texts = texts;
  }

  get text(): string {
    this.#text ??= this.#texts().join('\n');
    return this.#text;
  }

  get sha(): string {
    this.#sha ??= createHash('sha1').update(this.text).digest('hex');
    return this.#sha;
  }
}

const modules = new Map<string, Module>();

/**
 * Read at the start: a process that is out of file descriptors later must not fail at the first call of an operation.
 */
function moduleOf(name: string): Module {
  if (modules.size === 0)
    for (const folder of ['hot', 'lib'])
      for (const file of readdirSync(new URL(`${folder}/`, directory))) {
        const text = read(`${folder}/${file}`);
        const name = file.slice(0, -'.lua'.length);
        modules.set(name, { name, text, value: folder === 'lib' ? (value.exec(text)?.[1] ?? null) : null });
      }
  const module = modules.get(name);
  if (!module) throw new Error(`There is no Lua module '${name}' in ${directory}.`);
  return module;
}

function read(path: string): string {
  return readFileSync(new URL(path, directory), 'utf8');
}

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { luaFolder as directory } from '../../../files.ts';
import { StoreUnavailable } from '../../unavailable.ts';
import type { Connection, Reply, ScriptText } from './connection.ts';
import { type Packed, Packer, unpack } from './msgpack.ts';

/** Files of `lua/lib` in their order: an operation that names one gets those before it, too. */
const shortLibraries: readonly string[] = [
  'common',
  'event-log',
  'statistics',
  'queues',
  'segments',
  'plain',
  'plain-insert',
  'plain-start',
  'plain-complete',
];
/**
 * Files behind them, in a function of each script, `long_way`: making all of their functions takes 20 µs, and plain
 * jobs need none of them. An operation whose comment says `on the long way` calls it itself.
 */
const longLibraries: readonly string[] = [
  'limits',
  'limit-groups',
  'workflows',
  'job-bytes',
  'ended',
  'errors',
  'jobs',
  'history',
  'transitions',
  'unique-holders',
  'admission',
];
const libraries = [...shortLibraries, ...longLibraries];
const longTables =
  'long_way, limits, limit_groups, workflows, jobs, ended, errors, history, transitions, holders, admission';

/**
 * The tables that may contain an operation. An operation in `adding` is refused as a whole if the server is out of
 * memory.
 */
const flags: Readonly<Record<string, string>> = {
  reading: ' flags=no-writes',
  adding: '',
  changing: ' flags=allow-oom',
};

/** An operation: the comment above it, its table, its name, its parameter. */
const operation = /((?:^--.*\n)+)^function (reading|adding|changing)\.(\w+)\((\w*)\)/gm;

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

/** A script for each operation of a file. Its comment says `With NAME.`: the last library that it needs. */
export function scriptsOf(file: string, events: boolean): ReadonlyMap<string, ScriptText> {
  return new Map(
    [...file.matchAll(operation)].map(([, comment = '', table = '', name = '', parameter]) => {
      const [, library = '', later] = /^-- With ([\w-]+)(, on the long way)?\./m.exec(comment) ?? [];
      const last = libraries.indexOf(library);
      if (last < 0) throw new Error(`The Lua operation '${name}' names no library; expected '-- With NAME.' above it.`);
      const short = shortLibraries.slice(0, last + 1).map(readLibrary);
      const long = longLibraries.slice(0, Math.max(0, last + 1 - shortLibraries.length)).map(readLibrary);
      const texts = () => [
        `#!lua${flags[table]}`,
        `local logged = ${events}`,
        `local ${longTables}`,
        ...short,
        ...(long.length === 0 ? [] : ['function long_way()', 'if limits then return end', ...long, 'end']),
        ...(long.length === 0 || later !== undefined ? [] : ['long_way()']),
        'local reading, adding, changing = {}, {}, {}',
        file,
        parameter === '' ? `return ${table}.${name}()` : `return pack(${table}.${name}(unpacked(ARGV[1])))`,
      ];
      return [name, new Script(texts)];
    }),
  );
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

const libraryTexts = new Map<string, string>();

/**
 * Read at the start: a process that is out of file descriptors later must not fail at the first call of an operation.
 */
function readLibrary(name: string): string {
  const known = libraryTexts.get(name);
  if (known !== undefined) return known;
  const text = read(`lib/${name}.lua`);
  libraryTexts.set(name, text);
  return text;
}

function read(path: string): string {
  return readFileSync(new URL(path, directory), 'utf8');
}

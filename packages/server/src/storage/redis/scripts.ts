import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { StoreUnavailable } from '../unavailable.ts';
import type { Connection, Reply } from './connection.ts';
import { type Packed, Packer, unpack } from './packed.ts';

const directory = new URL('../../../lua/', import.meta.url);

/** Put in front of a script, in this order; a script that names one has those before it, too. */
const libraries: readonly string[] = [
  'common',
  'sums',
  'workers',
  'crons',
  'queues',
  'limits',
  'lanes',
  'graph',
  'jobs',
  'changes',
  'promotion',
  'admission',
] as const;

interface Script {
  readonly text: string;
  readonly sha: string;
}

/**
 * The scripts of the directory lua. The first line of one is `#!lua` with its flags, the second `-- With NAME.`, the last library that it needs.
 * Without flags it is refused as a whole where the server is out of memory.
 */
export class Scripts {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #scripts: ReadonlyMap<string, Script>;
  readonly #packer = new Packer();
  #retired: string | null = null;

  constructor(connection: Connection, prefix: string, events: boolean) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#scripts = loadScripts(events);
  }

  /** Where scripts tell that something has happened. */
  get channel(): string {
    return `${this.#prefix}wake`;
  }

  /** From now on nothing is run, for the reason; null takes it back. */
  retire(reason: string | null): void {
    this.#retired = reason;
  }

  /** @throws StoreUnavailable where nothing is run any more. */
  check(): void {
    if (this.#retired !== null) throw new StoreUnavailable(this.#retired);
  }

  /** Runs a script with texts as its ARGV; answers its reply with texts for strings. */
  async run(name: string, args: readonly (string | number | Buffer)[]): Promise<Reply> {
    this.check();
    return this.#connection.script(this.#script(name), this.#prefix, args);
  }

  /** Runs a script that gets one packed value as ARGV[1], and answers one. A null travels as `false`. */
  async exchange(name: string, request: Packed): Promise<Packed> {
    this.check();
    return unpack(await this.#connection.packedScript(this.#script(name), this.#prefix, this.#packer.pack(request)));
  }

  #script(name: string): Script {
    const script = this.#scripts.get(name);
    if (!script) throw new Error(`There is no script '${name}'.`);
    return script;
  }
}

const loaded = new Map<boolean, ReadonlyMap<string, Script>>();

function loadScripts(events: boolean): ReadonlyMap<string, Script> {
  const known = loaded.get(events);
  if (known) return known;
  const files = readdirSync(directory).filter((file) => file.endsWith('.lua'));
  const texts = new Map(
    files.map((file) => [file.slice(0, -'.lua'.length), readFileSync(new URL(file, directory), 'utf8')]),
  );
  const isLibrary = (name: string) => libraries.includes(name);
  const scripts = new Map(
    [...texts].filter(([name]) => !isLibrary(name)).map(([name, text]) => [name, assemble(text, texts, events)]),
  );
  loaded.set(events, scripts);
  return scripts;
}

function assemble(text: string, texts: ReadonlyMap<string, string>, events: boolean): Script {
  const first = text.startsWith('#!') ? text.slice(0, text.indexOf('\n')) : '#!lua';
  const named = /^-- With (\w+)\./m.exec(text)?.[1] ?? 'common';
  const last = libraries.indexOf(named);
  if (last < 0) throw new Error(`There is no Lua library '${named}'.`);
  const parts = libraries.slice(0, last + 1).map((library) => texts.get(library) ?? '');
  // The shebang must be the first line.
  const body = text.startsWith('#!') ? text.slice(first.length) : text;
  const whole = [`${first}\nlocal logged = ${events}`, ...parts, body].join('\n');
  return { text: whole, sha: createHash('sha1').update(whole).digest('hex') };
}

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeHardware, type Machine, machine } from './machine.ts';

/** Where a figure comes from. */
export interface Origin {
  /** With a `+` behind it where files differed from the commit. */
  readonly commit: string;
  /** As in `2026-01-31`. */
  readonly day: string;
  readonly machine: string;
  /** Whether something else was at work when the command began. Later the load is its own. */
  readonly busy: boolean;
  /** What repeats it. */
  readonly command: string;
}

export type Kept<T> = T & { readonly origin: Origin };

/** The figures of an instrument, each under a key and written to the file at once: a run that ends early loses one. */
export class Ledger<T> {
  readonly #file: string;
  readonly #command: string;
  readonly #machine: Machine;
  #figures: Readonly<Record<string, Kept<T>>>;

  /** @param command That makes its figures; URLs in it are cut short. */
  constructor(file: string, command: string) {
    this.#file = file;
    this.#machine = machine();
    this.#command = command.replaceAll(/\b(\w+):\/\/\S*/g, '$1://…');
    this.#figures = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  }

  get figures(): Readonly<Record<string, Kept<T>>> {
    return this.#figures;
  }

  /** Whether the figure of this commit is there, so that a run that was cut can be continued. */
  has(key: string): boolean {
    const now = commit();
    return !now.endsWith('+') && this.#figures[key]?.origin.commit === now;
  }

  put(key: string, figure: T): void {
    const origin: Origin = {
      commit: commit(),
      day: new Date().toISOString().slice(0, 10),
      machine: describeHardware(this.#machine),
      busy: this.#machine.busy,
      command: this.#command,
    };
    this.#figures = { ...this.#figures, [key]: { ...figure, origin } };
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, textOf(this.#figures));
  }
}

/** One figure a line, so that a new one is one line of a change. Nine digits are more than a measurement has. */
function textOf(figures: Readonly<Record<string, unknown>>): string {
  const short = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value;
  const lines = Object.entries(figures).map(([key, one]) => `${JSON.stringify(key)}: ${JSON.stringify(one, short)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** The file of an instrument, in the repository. */
export function figuresFile(instrument: string): string {
  return fileURLToPath(new URL(`../figures/${instrument}.json`, import.meta.url));
}

/** What the user called. */
export function commandLine(benchmark: string, args: readonly string[] = process.argv.slice(2)): string {
  return ['npm run bench --', benchmark, ...args].join(' ');
}

function commit(): string {
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  // The figures and the pages that are made of them change while they are taken.
  const changed = git('status', '--porcelain', '--', ':/', ':!/lab/bench/figures', ':!/lab/docs', ':!/docs');
  return `${git('rev-parse', '--short=8', 'HEAD')}${changed === '' ? '' : '+'}`;
}

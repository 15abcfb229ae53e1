import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { kindOf } from './store.ts';

/** The message says which option was wrong and what was expected. */
export class UsageError extends Error {}

/** What every benchmark says about its store. */
export const storageUsage = `--storage memory:|sqlite:|sqlite:PATH|postgres://…|redis://…
                                        default sqlite: (a temporary file, synchronous=FULL); a schema or namespace of its own is made and removed`;

/** @throws {UsageError} */
export function parse<O extends ParseArgsOptionsConfig>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function storageOf(text: string): string {
  const kind = kindOf(text);
  if (kind === null || (kind === 'memory' && text !== 'memory:'))
    throw new UsageError(`--storage: expected memory:, sqlite:, sqlite:PATH, postgres://… or redis://…, got '${text}'`);
  if (kind === 'sqlite' && text !== 'sqlite:') {
    const folder = dirname(resolve(text.slice('sqlite:'.length)));
    if (!existsSync(folder)) throw new UsageError(`--storage: the folder ${folder} does not exist`);
  }
  return text;
}

export function whole(name: string, text: string, min = 1): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= min) return Number(text);
  throw new UsageError(`--${name}: expected a whole number of at least ${min}, got '${text}'`);
}

/** More than 0, with decimals. */
export function positive(name: string, text: string): number {
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`--${name}: expected a number above 0, got '${text}'`);
}

/** The names of a list by commas, each one of `known`. */
export function namesOf<Name extends string>(name: string, text: string, known: readonly Name[]): readonly Name[] {
  return text.split(',').map((one) => {
    const found = known.find((candidate) => candidate === one);
    if (found === undefined) throw new UsageError(`--${name}: expected some of ${known.join(', ')}, got '${one}'`);
    return found;
  });
}

/** Runs the command line of a benchmark: exit code 2 for wrong options, 1 where it fails. */
export async function command(
  name: string,
  usage: string,
  run: (args: readonly string[]) => Promise<void>,
): Promise<void> {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    if (error instanceof UsageError) console.error(`${name}: ${error.message}\n\n${usage}`);
    else console.error(error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

import { plantBug } from '../../bugs/src/hook.ts';
import { seedsOfOne, spread } from './jobs.ts';
import { readOptions, usage } from './options.ts';

/** Runs the command line; answers the exit status: 0, 1 for a violation, 2 for a wrong option. */
export async function command(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
    if (options.jobs > 1 || options.seeds > seedsOfOne) return await spread(options, args);
    if (options.bug !== null) await plantBug(options.bug);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  // Only now: a bug is planted in the modules that are loaded after it.
  const { hunt } = await import('./hunt.ts');
  return hunt(options);
}

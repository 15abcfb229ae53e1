import { seedsOfOne, spread } from './jobs.ts';
import { readOptions, usage } from './options.ts';
import { plant } from './plant.ts';

/** Runs the command line; answers the exit status: 0, 1 for a violation, 2 for a wrong option. */
export async function command(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
    if (options.jobs > 1 || options.seeds > seedsOfOne) return await spread(options, args);
    await plant(options);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  // Only now: a planted bug is put in while its module is loaded.
  const { hunt } = await import('./hunt.ts');
  return hunt(options);
}

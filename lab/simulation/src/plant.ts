import { mutations } from '../../../conformance/mutations/index.ts';
import { locate } from '../../../conformance/mutations/locate.ts';
import { mutants } from './mutants.ts';
import type { Options } from './options.ts';

/**
 * Puts a bug into the product as it is loaded: the source tree stays as it is.
 * @throws Error for a name that is unknown.
 */
export async function plant({ mutant, mutation }: Pick<Options, 'mutant' | 'mutation'>): Promise<void> {
  if (mutant === null && mutation === null) return;
  const found =
    mutant === null ? mutations.find(({ name }) => name === mutation) : mutants.find(({ name }) => name === mutant);
  if (found === undefined)
    throw new Error(
      mutant === null
        ? `--mutation is ${JSON.stringify(mutation)}; expected the name of one in conformance/mutations`
        : `--mutant is ${JSON.stringify(mutant)}; expected one of ${mutants.map(({ name }) => name).join(', ')}`,
    );
  process.env.OJS_MUTATION = JSON.stringify(locate(found));
  await import('../../../conformance/mutations/hook.ts');
}

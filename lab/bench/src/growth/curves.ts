import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Curve } from './curve.ts';

/** A file in `curves` is a curve. */
export const curveNames: readonly string[] = globSync('*.ts', { cwd: join(import.meta.dirname, 'curves') })
  .map((file) => basename(file, '.ts'))
  .toSorted();

export async function curveOf(name: string): Promise<Curve> {
  const { curve }: { readonly curve: Curve } = await import(`./curves/${name}.ts`);
  return curve;
}

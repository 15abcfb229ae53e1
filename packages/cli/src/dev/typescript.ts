import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const needsTsx = /\.([cm]?ts|[jt]sx)$/;

/**
 * The arguments with which Node runs a module. Node strips types and refuses the rest of TypeScript: enums, parameter
 * properties, decorators, JSX, paths of `tsconfig.json`. The project's own `tsx` is preferred, because it fits its
 * TypeScript. Ours is an optional dependency: without it Node does what it can.
 */
export function loaderFor(module: string): readonly string[] {
  if (!needsTsx.test(module)) return [];
  const tsx = tsxFrom(module) ?? tsxFrom(import.meta.url);
  return tsx === null ? [] : ['--import', tsx];
}

/** By itself `tsx` looks for `tsconfig.json` in the working folder only. */
export function typescriptEnvironment(module: string): NodeJS.ProcessEnv {
  const config = process.env.TSX_TSCONFIG_PATH ?? nearestConfig(dirname(module));
  return config === null ? {} : { TSX_TSCONFIG_PATH: config };
}

function tsxFrom(place: string): string | null {
  try {
    return pathToFileURL(createRequire(place).resolve('tsx')).href;
  } catch {
    return null;
  }
}

/** The `tsconfig.json` in the folder or above it. */
function nearestConfig(folder: string): string | null {
  const file = join(folder, 'tsconfig.json');
  if (existsSync(file)) return file;
  const above = dirname(folder);
  return above === folder ? null : nearestConfig(above);
}

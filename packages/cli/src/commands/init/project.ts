import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Failure } from '../../connection/failure.ts';
import { makeDevFolder } from '../../dev/url-file.ts';
import { filesOf, type TemplateName } from './template.ts';

/** Names of what a folder has, without `.git`: a new repository may be there already. */
export async function contentOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name !== '.git').toSorted();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') throw new Failure('usage', `${folder} is a file. Name a folder.`);
    throw error;
  }
}

/** Writes the files of a template, and answers how many. Files of the same paths are overwritten. */
export async function writeProject(folder: string, template: TemplateName): Promise<number> {
  const files = await filesOf(template);
  for (const [path, text] of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, path === 'package.json' ? named(text, folder) : text);
  }
  // From now on its programs ask the ojs dev of this folder, and not what runs on the usual port.
  makeDevFolder(folder);
  return files.size + 1;
}

function named(manifest: string, folder: string): string {
  return `${JSON.stringify({ ...JSON.parse(manifest), name: packageName(folder) }, null, 2)}\n`;
}

/** The name of a folder as npm takes it for a package: lower case, and no more than 214 characters. */
export function packageName(folder: string): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|-+$/g, '')
    .slice(0, 214);
  return name === '' ? 'ojs-app' : name;
}

import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { templatesFolder } from '../../files.ts';

/** The templates of a new project, and how the question describes them. */
export const templates = {
  plain: 'a worker and a script that enqueues',
  fastify: 'a worker and a Fastify application',
  next: 'a worker and a Next.js application',
} as const;

export type TemplateName = keyof typeof templates;

export function isTemplateName(text: string): text is TemplateName {
  return Object.hasOwn(templates, text);
}

/** npm leaves a file named .gitignore out of packages. */
const renamed: ReadonlyMap<string, string> = new Map([['gitignore', '.gitignore']]);

/** The texts of a project by their paths in it. A file of the template replaces the common one of the same path. */
export async function filesOf(template: TemplateName): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const layer of ['common', template]) {
    const folder = fileURLToPath(new URL(layer, templatesFolder));
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const path = relative(folder, file);
      files.set(renamed.get(path) ?? path, await readFile(file, 'utf8'));
    }
  }
  return files;
}

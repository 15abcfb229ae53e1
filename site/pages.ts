import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, posix, relative } from 'node:path';
import { type Entry, repository, root, sections } from './places.ts';

/** The text between fences, comments of Markdown, and inline code: what is no prose. */
const noProse = /(^ *```[\s\S]*?^ *```$|`+[^`]+`+)/m;

/** The name of a file that only the site has. */
const schemaFile = /^`(schemas\/[\w-]+\.schema\.json)`$/;

/**
 * Copies the pages of `docs` into `folder`, as VitePress reads them: a README is the index of its folder, and links to
 * files that are no pages lead to the repository.
 */
export async function writePages(docs: string, folder: string): Promise<void> {
  for (const path of pathsOf(docs)) {
    const target = join(folder, placeOf(path));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, pageOf(readFileSync(join(docs, path), 'utf8'), docs, path));
  }
  if (existsSync(join(docs, 'images'))) await cp(join(docs, 'images'), join(folder, 'images'), { recursive: true });
}

/** The pages of every section, in the order in which the index of `docs` names them, then by name. */
export function entriesOf(docs: string): readonly Entry[] {
  const paths = pathsOf(docs);
  const index = readFileSync(join(docs, 'README.md'), 'utf8');
  const named = [...index.matchAll(/\]\(([^)#\s]+\.md)/g)].map(([, path = '']) => posix.normalize(path));
  const rankOf = (path: string) => (named.includes(path) ? named.indexOf(path) : named.length);
  return sections.flatMap(([section, text]) => {
    const items = paths
      .filter((path) => path.startsWith(`${section}/`))
      .toSorted((a, b) => Number(b.endsWith('README.md')) - Number(a.endsWith('README.md')) || rankOf(a) - rankOf(b))
      .map((path) => ({ text: titleOf(join(docs, path)), link: `/${placeOf(path).replace(/(?:index)?\.md$/, '')}` }));
    return items.length === 0 ? [] : [{ text, items }];
  });
}

/** The first heading of a page, without the marks of code. */
export function titleOf(file: string): string {
  const [, title = file] = /^# (.*)$/m.exec(readFileSync(file, 'utf8')) ?? [];
  return title.replaceAll(/[`\\]/g, '');
}

function pathsOf(docs: string): readonly string[] {
  return globSync('**/*.md', { cwd: docs })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.startsWith('generated/'))
    .toSorted();
}

function placeOf(path: string): string {
  return path.replace(/(^|\/)README\.md$/, '$1index.md');
}

function pageOf(text: string, docs: string, path: string): string {
  const parts = text.replaceAll(/<!--[\s\S]*?-->\n?/g, '').split(new RegExp(noProse, 'gm'));
  return parts
    .map((part, index) => {
      // Every second part is code. A viewer of diagrams would be larger than the rest of the site.
      if (index % 2 === 1)
        return part.replace(/^( *)```(?:mermaid|ebnf)/, '$1```text').replace(schemaFile, '[$&](../$1)');
      return part
        .replaceAll(/\]\(([^)\s]+)\)/g, (_, link: string) => `](${linkOf(link, docs, path)})`)
        .replaceAll('{{', '{&#8203;{');
    })
    .join('');
}

/** The target of a link on a page of the site. */
function linkOf(link: string, docs: string, path: string): string {
  const [address = '', anchor] = link.split('#');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  const own = `${repository}/blob/main/docs/`;
  if (address === '' || (/^[a-z]+:/.test(address) && !address.startsWith(own))) return link;
  const target = address.startsWith(own)
    ? join(root, 'docs', address.slice(own.length))
    : join(docs, dirname(path), address);
  const place = relative(docs, target).replaceAll('\\', '/');
  if (place.startsWith('..')) {
    // Pages of a folder other than the repository's have no other files.
    const outside = relative(root, target).replaceAll('\\', '/');
    const kind = statSync(target, { throwIfNoEntry: false })?.isDirectory() ? 'tree' : 'blob';
    return `${repository}/${kind}/main/${outside}${hash}`;
  }
  const page = existsSync(join(docs, place, 'README.md')) ? `${place}/README.md` : place;
  const from = posix.relative(posix.dirname(placeOf(path)), placeOf(page));
  return `${from.startsWith('.') ? from : `./${from}`}${hash}`;
}

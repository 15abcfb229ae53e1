// Builds the documentation site. `npm run site` installs what it needs before. Options: --version, --base, --out, --package.
import { globSync, readFileSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'vitepress';
import { writeApi } from './api.ts';
import { brokenLinks, pagesOf, policyOf } from './built.ts';
import { writeOpenApi } from './openapi.ts';
import { entriesOf, titleOf, writePages } from './pages.ts';
import { type Entry, root, type SiteData, sections } from './places.ts';
import { jsonSchemas } from './schemas.ts';

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: JSON.parse(readFileSync(`${root}package.json`, 'utf8')).version },
    /** Where the versions are served from. The pages of the package are at this address themselves. */
    base: { type: 'string' },
    out: { type: 'string', default: join(root, 'site/dist') },
    /** Into @ojs-ts/docs, for a server. */
    package: { type: 'boolean', default: false },
    /** The folder of the hand-written pages, for tests. */
    docs: { type: 'string', default: join(root, 'docs') },
    /** Without the pages that are made from the code, for tests. */
    handwritten: { type: 'boolean', default: false },
  },
});

const { version, docs } = values;
const staged = join(root, 'site/.pages');
const out = values.package ? join(root, 'packages/docs/public') : join(resolve(values.out), version);
const base = values.package ? (values.base ?? '/docs/') : `${values.base ?? '/'}${version}/`;

await rm(staged, { recursive: true, force: true });
await writePages(docs, staged);
const sidebar: Record<string, readonly Entry[]> = { '/': entriesOf(docs) };
if (!values.handwritten) {
  await writeApi(join(staged, 'api'));
  sidebar['/api/'] = apiEntries();
  sidebar['/openapi/'] = [
    { text: 'HTTP API', items: await writeOpenApi(join(staged, 'openapi'), join(staged, 'public'), version) },
  ];
}
await mkdir(join(staged, 'public/schemas'), { recursive: true });
for (const [name, text] of jsonSchemas()) await writeFile(join(staged, 'public/schemas', name), text);
await cp(join(root, 'packages/dashboard/app/static/icon.svg'), join(staged, 'public/icon.svg'));
const data: SiteData = { version, base, switcher: !values.package, sidebar };
await writeFile(join(staged, 'site.json'), JSON.stringify(data));

await build(join(root, 'site'), { base, outDir: out });

for (const path of globSync('**/*.md', { cwd: staged })) await cp(join(staged, path), join(out, path));
await writeTexts();
const pages = pagesOf(out);
const contentSecurityPolicy = policyOf(out, pages);
await writeFile(join(out, 'pages.json'), JSON.stringify({ version, contentSecurityPolicy, pages }));
if (!values.package) await writeVersions(dirname(out));

const broken = brokenLinks(out, base, pages);
for (const line of broken) console.error(`broken link: ${line}`);
console.log(`${pages.length} pages in ${out}`);
if (broken.length > 0) process.exitCode = 1;

/** The entries of the packages, each with its classes. The page of an entry lists its interfaces too. */
function apiEntries(): readonly Entry[] {
  const folder = join(staged, 'api');
  const modules = globSync('**/index.md', { cwd: folder })
    .map((path) => dirname(path))
    .filter((path) => path !== '.');
  return modules
    .toSorted((a, b) => Number(b.startsWith('sdk')) - Number(a.startsWith('sdk')) || (a < b ? -1 : 1))
    .map((name) => ({
      text: titleOf(join(folder, name, 'index.md')),
      link: `/api/${name}/`,
      collapsed: true,
      items: globSync('classes/*.md', { cwd: join(folder, name) })
        .toSorted()
        .map((path) => ({ text: basename(path, '.md'), link: `/api/${name}/${path.slice(0, -3)}` })),
    }));
}

/** `llms.txt` lists the pages as Markdown, `llms-full.txt` contains those that people wrote. */
async function writeTexts(): Promise<void> {
  const lines = [
    '# ojs-ts',
    '',
    '> Open Job Spec for TypeScript: background jobs with an SDK, a server over SQLite, PostgreSQL or Redis, and a dashboard.',
    '',
    `Version ${version}. Every page is Markdown at the same address with .md.`,
  ];
  const full: string[] = [];
  const list = (title: string, entries: readonly Entry[]) => {
    lines.push('', `## ${title}`, '');
    for (const { text, link } of entries) if (link !== undefined) lines.push(`- [${text}](${base}${markdownOf(link)})`);
  };
  for (const { text, items = [] } of sidebar['/'] ?? []) {
    list(text, items);
    if (text === sections.at(-1)?.[1]) continue;
    for (const { link = '' } of items) full.push(readFileSync(join(staged, markdownOf(link)), 'utf8'));
  }
  list('HTTP API', sidebar['/openapi/']?.[0]?.items ?? []);
  list('SDK API', sidebar['/api/'] ?? []);
  await writeFile(join(out, 'llms.txt'), `${lines.join('\n')}\n`);
  await writeFile(join(out, 'llms-full.txt'), full.join('\n'));
}

function markdownOf(link: string): string {
  return `${link.slice(1).replace(/(^|\/)$/, '$1index')}.md`;
}

/** The list of the versions, the newest first, and a first page that opens the newest. */
async function writeVersions(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const versions = globSync('*/pages.json', { cwd: folder }).map((path) => dirname(path));
  versions.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  await writeFile(join(folder, 'versions.json'), JSON.stringify(versions));
  const page = `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>ojs-ts</title>\n<meta http-equiv="refresh" content="0; url=${versions[0]}/">\n<a href="${versions[0]}/">Documentation of ojs-ts ${versions[0]}</a>\n</html>\n`;
  await writeFile(join(folder, 'index.html'), page);
}

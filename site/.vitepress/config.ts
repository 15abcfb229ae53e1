import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { anchorOf, repository, type SiteData } from '../places.ts';

const folder = fileURLToPath(new URL('../.pages', import.meta.url));
const { version, base, switcher, sidebar }: SiteData = JSON.parse(readFileSync(`${folder}/site.json`, 'utf8'));

/** The pages that are made from the code; a test leaves them out. */
const generated = [
  { text: 'HTTP API', link: '/openapi/', activeMatch: '^/openapi/' },
  { text: 'SDK API', link: '/api/', activeMatch: '^/api/' },
];

function isMade(path: string): boolean {
  return /^(?:api|openapi)\//.test(path);
}

/** Headings that every page of the API has. */
const common =
  /^#+ (?:Constructors?|Properties|Methods|Accessors|Parameters|Type Parameters|Type Declaration|Returns|Throws|Examples?|Extends|Extended by|Implements|Implementation of|Inherited from|Overrides|Default|Call Signature|Get Signature|Functions|Interfaces|Classes|Type Aliases|Variables|References)$/;

function namesIn(text: string): string {
  const lines = text.split('\n').filter((line) => /^#{1,3} /.test(line) && !common.test(line));
  return lines.join('\n\n');
}

export default defineConfig({
  title: 'ojs-ts',
  description: 'Open Job Spec for TypeScript: background jobs with an SDK, a server and a dashboard',
  lang: 'en',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}icon.svg` }]],
  srcDir: '.pages',
  cacheDir: '.cache',
  // Our own check of the built pages knows anchors too.
  ignoreDeadLinks: true,
  router: { prefetchLinks: false },
  // What every page shares is a file of its own, so that few inline scripts are left for the policy.
  metaChunk: true,
  markdown: {
    html: false,
    // The defaults have too little contrast.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    // GitHub shows braces as they are.
    attrs: { disable: true },
    anchor: { slugify: anchorOf },
    headers: { slugify: anchorOf },
  },
  vite: {
    // No component has the older form, whose code would go into every page.
    define: { __VUE_OPTIONS_API__: 'false' },
    // So would the code of a first page with features, which we do not have.
    resolve: {
      alias: [{ find: /^.*\/VPHome\.vue$/, replacement: fileURLToPath(new URL('theme/empty.ts', import.meta.url)) }],
    },
    build: { chunkSizeWarningLimit: 3_000 },
  },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start/first-job' },
      { text: 'Documentation', link: '/', activeMatch: '^/(?:$|guides|operate|reference|migrate|compare)' },
      ...generated.filter(({ link }) => link in sidebar),
    ],
    sidebar: sidebar as DefaultTheme.SidebarMulti,
    outline: { level: [2, 3], label: 'On this page' },
    socialLinks: [{ icon: 'github', link: repository }],
    editLink: { pattern: `${repository}/edit/main/docs/:path`, text: 'Edit this page' },
    version,
    switcher,
    search: {
      provider: 'local',
      options: {
        detailedView: false,
        miniSearch: { searchOptions: { boost: { title: 6, titles: 2, text: 1 }, fuzzy: 0.15, prefix: true } },
        /** The API by its names alone: else a word of a guide would be found on fifty of its pages first. */
        _render(text, env, md) {
          const shown = isMade(env.relativePath) ? namesIn(text) : text;
          return md.render(shown, env);
        },
      },
    },
  } as DefaultTheme.Config & { version: string; switcher: boolean },
  transformPageData({ relativePath, frontmatter }) {
    if (isMade(relativePath)) frontmatter.editLink = false;
    return { filePath: relativePath.replace(/(^|\/)index\.md$/, '$1README.md') };
  },
});

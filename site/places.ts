import { fileURLToPath } from 'node:url';

/** The folder of the repository, with its slash. */
export const root: string = fileURLToPath(new URL('..', import.meta.url));

/** Where files of the repository that are no pages can be read. */
export const repository = 'https://github.com/ojs-ts/ojs-ts';

/** The folders of `docs` that are sections of the site, in their order, with their titles. */
export const sections: readonly (readonly [folder: string, title: string])[] = [
  ['start', 'Start'],
  ['guides', 'Guides'],
  ['operate', 'Operate'],
  ['reference', 'Reference'],
  ['migrate', 'Migrate'],
  ['compare', 'Compare'],
  ['spec', 'Specification'],
  ['internals', 'Change the code'],
];

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** An entry of the sidebar; `link` is relative to the base. */
export interface Entry {
  readonly text: string;
  readonly link?: string;
  readonly items?: readonly Entry[];
  readonly collapsed?: boolean;
}

/** What the build hands to VitePress. */
export interface SiteData {
  readonly version: string;
  /** Where the pages are served from. */
  readonly base: string;
  /** Whether other versions are next to this one. */
  readonly switcher: boolean;
  /** The sidebars by the start of a path. */
  readonly sidebar: Readonly<Record<string, readonly Entry[]>>;
}

/** Addresses of the documentation: in error bodies, in the findings of the doctor, and in hints. */
import type { ErrorCode } from './errors.ts';

/** The Markdown files in the repository, which package.json names. */
export const repositoryDocs = 'https://github.com/ojs-ts/ojs-ts/blob/main/docs/';

/** A page below `docs/` without its extension, and a heading of it: `reference/errors#queue_full`. */
export type DocsPlace = `${string}#${string}`;

/**
 * The address of a place.
 * @param base of a site, or of Markdown files on GitHub or GitLab (`/blob/`), with its slash.
 */
export function docsAddress(place: DocsPlace, base: string): string {
  return `${base}${place.replace('#', base.includes('/blob/') ? '.md#' : '.html#')}`;
}

/** The first page of the documentation at this base. */
export function docsHome(base: string): string {
  return base.includes('/blob/') ? `${base}README.md` : base;
}

/** The section about a finding of the doctor. Its heading is the code in words. */
export function findingPlace(code: string): DocsPlace {
  return `operate/health#${code.replaceAll('_', '-')}`;
}

/** The section about an error code. Its heading and its anchor are the code. */
export function errorPlace(code: ErrorCode): DocsPlace {
  return `reference/errors#${code}`;
}

// The section of CHANGELOG.md for a tag, if tag, packages and changelog agree.
import { globSync, readFileSync } from 'node:fs';

/**
 * The text below the heading of a version, such as `## 0.1.0` or `## [0.1.0] - 2026-01-01`. Null if the version has no
 * text, or if its heading still says `(unreleased)`.
 */
export function sectionOf(changelog: string, version: string): string | null {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find(
    (section) => /^\[?([^\]\s]+)/.exec(section)?.[1] === version && !/^.*\(unreleased\)/.test(section),
  );
  return found?.replace(/^.*\n/, '').trim() || null;
}

/** The reasons not to release a tag; empty if tag, packages and ranges agree. */
export function mismatches(tag: string, manifests: readonly Manifest[]): string[] {
  const version = tag.replace(/^v/, '');
  return manifests.flatMap(({ name, version: own, dependencies, peerDependencies }) => {
    const ours = Object.entries({ ...dependencies, ...peerDependencies }).filter(([dependency]) =>
      dependency.startsWith('@ojs-ts/'),
    );
    return [
      ...(own === version ? [] : [`${name} has version ${own}`]),
      ...ours
        .filter(([, range]) => range !== `^${version}`)
        .map(([dependency, range]) => `${name} asks for ${dependency} ${range}`),
    ];
  });
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/**
 * The notes of a tag.
 * @param isDry whether a heading may still say `(unreleased)`
 * @throws the reasons not to release the tag
 */
export function readNotes(tag: string, isDry = false): string {
  const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const manifests = globSync('packages/*/package.json', { cwd: new URL('..', import.meta.url) }).map(
    (path): Manifest => JSON.parse(read(path)),
  );
  const changelog = read('CHANGELOG.md');
  const notes = sectionOf(isDry ? changelog.replace(' (unreleased)', '') : changelog, tag.replace(/^v/, ''));
  const wrong = [
    ...mismatches(tag, manifests),
    ...(notes === null ? ['CHANGELOG.md has no section for it, or its heading says (unreleased)'] : []),
  ];
  if (notes === null || wrong.length > 0) throw new Error(`${tag || 'no tag'} cannot be released: ${wrong.join('; ')}`);
  return notes;
}

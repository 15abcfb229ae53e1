// `node scripts/release-notes.ts v0.1.0` prints the section of CHANGELOG.md, and fails if tag, packages and
// changelog do not agree.
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

if (import.meta.main) {
  const tag = process.argv[2] ?? '';
  const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const manifests = globSync('packages/*/package.json', { cwd: new URL('..', import.meta.url) }).map(
    (path): Manifest => JSON.parse(read(path)),
  );
  const notes = sectionOf(read('CHANGELOG.md'), tag.replace(/^v/, ''));
  const wrong = [
    ...mismatches(tag, manifests),
    ...(notes === null ? ['CHANGELOG.md has no section for it, or its heading says (unreleased)'] : []),
  ];
  if (wrong.length > 0) {
    console.error(`release-notes: ${tag || 'no tag'} cannot be released: ${wrong.join('; ')}`);
    process.exit(1);
  }
  console.log(notes);
}

import { createHash } from 'node:crypto';

/**
 * The digest of the files of a layout, without comments and spaces. A store keeps that of the files which made it, so
 * that a file that was changed in place is noticed.
 */
export function layoutSum(files: readonly string[]): string {
  const text = files.join('\n').replace(/--.*$/gm, '').replace(/\s+/g, ' ').trim();
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The version that a file of a layout brings is its number. */
export function versionOf(file: string): number {
  return Number.parseInt(file, 10);
}

/**
 * Reports whether the files can bring a store from this version to theirs. The first file makes a whole layout, so it
 * cannot change one of an earlier version.
 */
export function isKnown(version: number, files: readonly string[]): boolean {
  const [first = '', last = first] = [files[0], files.at(-1)];
  return version === 0 || (version >= versionOf(first) && version <= versionOf(last));
}

/** The error about a layout that this code does not know. @param sum null where the store has none. */
export function unknownLayout(
  store: string,
  found: number,
  files: readonly string[],
  sum: string | null,
  other: string,
): Error {
  const known = versionOf(files.at(-1) ?? '');
  return new Error(
    sum === null || found < known
      ? `${store} has layout ${found} of a version before the first release, which this version cannot read. ` +
          `Use the version that made it, or another ${other}.`
      : `${store} has layout ${found}; this version of the server knows ${known}. ` +
          `Use the newer version, or another ${other}.`,
  );
}

/** One deliberate mistake in the sources, and the cases that it makes fail. */
export interface Mutation {
  readonly name: string;
  /** Where the rule that it breaks comes from, in the forms that docs/internals/conformance.md explains. */
  readonly rule: string;
  /**
   * The code that is changed: a package and a function (`core: verdict`), a method (`server: Engine.fetch`) or a
   * constant at the top level of its file. A folder or a file's stem after the package chooses between several of the
   * same name (`server/sqlite: readRow`). A Lua function has the name that its file gives it (`lua: changing.remove`).
   */
  readonly in: `${Package}${'' | `/${string}`}: ${string}`;
  /** Text that occurs once in that code. White space and a comma before a closing bracket may differ. */
  readonly find: string;
  readonly replace: string;
  /** Ids of our own cases that it makes fail. */
  readonly cases: readonly string[];
}

export type Package = 'core' | 'sdk' | 'server' | 'lua';

/** What a mutation changes in one file. */
export interface Edit {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  readonly start: number;
  /** The text at `start` that `replace` takes the place of. */
  readonly find: string;
  readonly replace: string;
}

/** The source with the mistake in it. Throws where the source is not the one that the edit was made for. */
export function applyMutation({ name, file, start, find, replace }: Edit, source: string): string {
  if (!source.startsWith(find, start)) throw new Error(`mutation ${name}: ${file} has changed since it was read`);
  return source.slice(0, start) + replace + source.slice(start + find.length);
}

/** Names a bug, as `TABLE/NAME`, to a process that starts with `--import lab/bugs/hook.ts`. */
export const variable = 'OJS_BUG';

/** The environment of a process with the bug, or with none. */
export function withBug(bug: string | null): NodeJS.ProcessEnv {
  const { [variable]: _, ...env } = process.env;
  return bug === null ? env : { ...env, [variable]: bug };
}

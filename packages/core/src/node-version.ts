/** The members of `process` that describe the runtime. */
interface Runtime {
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly execPath?: string;
}

/**
 * Why this Node is too old, in one sentence; null on a newer one and on every other runtime. `engines` of each package
 * has the same versions. undici 8 needs Node 22.19; `node:sqlite` needs a flag from 23.0 to 23.3.
 */
export function nodeRefusal(runtime: Runtime | undefined = globalThis.process): string | null {
  const { node, uv, bun, deno } = runtime?.versions ?? {};
  // Bun, Deno and edge platforms give a version of Node for compatibility. Edge platforms have no libuv.
  if (node === undefined || uv === undefined || bun !== undefined || deno !== undefined) return null;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major > 23 || (major === 23 && minor >= 4) || (major === 22 && minor >= 19)) return null;
  const needed = major === 23 ? '23.4' : '22.19';
  const found = runtime?.execPath === undefined ? node : `${node} (${runtime.execPath})`;
  return (
    `The @ojs-ts packages need Node.js ${needed} or later, but this is Node.js ${found}: ` +
    'install a newer one from https://nodejs.org.'
  );
}

/** @throws {Error} on a Node that is too old. */
export function requireNode(): void {
  const refusal = nodeRefusal();
  if (refusal !== null) throw new Error(refusal);
}

import { nodeRefusal } from '@ojs-ts/core/node-version';

/** Runs the command. On a Node that is too old, says so. @param words what follows `ojs` on the command line. */
export async function start(words: readonly string[]): Promise<void> {
  const refusal = nodeRefusal();
  if (refusal === null) {
    const { program } = await import('./program.ts');
    await program().parseAsync(words, { from: 'user' });
  } else {
    console.error(`ojs: ${refusal}`);
    process.exitCode = 2;
  }
}

import { gzipSync } from 'node:zlib';
import { type OutputChunk, rolldown } from 'rolldown';

/** What a bundler makes of one program for the web: minified, in one file, with everything it needs. */
export async function bundle(input: string): Promise<string> {
  const build = await rolldown({ input, platform: 'browser', logLevel: 'silent' });
  const { output } = await build.generate({ format: 'iife', name: 'bundled', minify: true, codeSplitting: false });
  await build.close();
  return output.map((part) => (part.type === 'chunk' ? part.code : '')).join('');
}

/** Bytes, gzipped. */
export interface Sizes {
  /** What is loaded before the first line of the program runs. */
  readonly initial: number;
  /** That, and what is loaded with its first use. */
  readonly all: number;
}

/**
 * The same program in chunks, written into the directory: one of what it imports, and those of what it imports when it
 * needs it.
 */
export async function split(input: string, directory: string): Promise<Sizes> {
  const build = await rolldown({
    input,
    platform: 'browser',
    logLevel: 'silent',
    preserveEntrySignatures: 'allow-extension',
  });
  const { output } = await build.write({
    dir: directory,
    format: 'esm',
    minify: true,
    chunkFileNames: '[name].js',
    codeSplitting: { groups: [{ name: 'initial', tags: ['$initial'] }] },
  });
  await build.close();
  const chunks = new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])));
  const initial = new Set<string>();
  const enter = (name: string) => {
    if (initial.has(name)) return;
    initial.add(name);
    for (const next of chunks.get(name)?.imports ?? []) enter(next);
  };
  for (const { isEntry, fileName } of chunks.values()) if (isEntry) enter(fileName);
  const sum = (some: Iterable<OutputChunk>) => [...some].reduce((bytes, { code }) => bytes + gzipped(code), 0);
  return { initial: sum(chunks.values().filter(({ fileName }) => initial.has(fileName))), all: sum(chunks.values()) };
}

function gzipped(code: string): number {
  return gzipSync(code, { level: 9 }).length;
}

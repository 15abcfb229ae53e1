import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

/** What a bundler makes of one program for the web: minified, with everything it needs. */
export async function bundle(input: string): Promise<string> {
  const build = await rolldown({ input, platform: 'browser', logLevel: 'silent' });
  const { output } = await build.generate({ format: 'iife', name: 'bundled', minify: true });
  await build.close();
  return output.map((part) => (part.type === 'chunk' ? part.code : '')).join('');
}

export function gzipped(code: string): number {
  return gzipSync(code, { level: 9 }).length;
}

import { globSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));

test('the built pages have the licence of every package that the app imports', { timeout: 300_000 }, async () => {
  const { build } = await import('vite');
  const outDir = await mkdtemp(join(tmpdir(), 'ojs-licenses-'));
  await build({
    configFile: join(folder, 'vite.config.ts'),
    build: { outDir, emptyOutDir: true, minify: false },
    logLevel: 'silent',
  });
  const licenses = join(outDir, 'licenses');
  const texts = readdirSync(licenses).map((name) => `${name}\n${readFileSync(join(licenses, name), 'utf8')}`);
  const sources = globSync('app/**/*.{ts,tsx,css}', { cwd: folder }).map((file) =>
    readFileSync(join(folder, file), 'utf8'),
  );
  const imported = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/(?:from |import |import\(|url\()["']((?:@[\w-]+\/)?[a-z][\w.-]*)/g)].map(
        ([, name]) => name ?? '',
      ),
    ),
  );
  const foreign = [...imported].filter((name) => !name.startsWith('@ojs-ts/'));
  expect(foreign).toEqual(expect.arrayContaining(['react', '@dagrejs/dagre', '@fontsource-variable/inter']));
  const missing = foreign.filter(
    (name) =>
      !texts.some(
        (text) => text.includes(`## ${name} - `) || text.startsWith(`${name.replace('/', '-').slice(1)}.txt`),
      ),
  );
  expect(missing).toEqual([]);
});

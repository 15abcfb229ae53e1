import { mkdirSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Long enough to become shorter by compression. */
export const script = `console.log('a dashboard');\n`.repeat(100);
export const icon = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]);

const index = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="ojs-api-root" content="../">
  <title>Dashboard</title>
  <link rel="icon" href="./icon.svg" type="image/svg+xml">
  <link rel="manifest" href="./app.webmanifest">
  <link rel="stylesheet" href="./assets/main-abc.css">
  <script type="module" src="./assets/main-abc.js"></script>
  <div id="root"></div>
</html>
`;

const files: Readonly<Record<string, string | Buffer>> = {
  'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
  'app.webmanifest': '{"name":"Jobs"}',
  'assets/main-abc.js': script,
  'assets/main-abc.js.map': '{"version":3}',
  'assets/main-abc.css': 'body { color: red }',
  'assets/data-abc.json': '{"a":1}',
  'assets/font-abc.woff2': icon,
  'assets/picture-abc.png': icon,
  'secret.env': 'TOKEN=1',
};

export function emptyFolder(): URL {
  return pathToFileURL(`${mkdtempSync(join(tmpdir(), 'ojs-pages-'))}/`);
}

/** Writes a build as the real one does: `index.html` comes last, and whole. */
export function writeBuild(folder: URL, without: readonly string[] = []): void {
  mkdirSync(new URL('assets', folder), { recursive: true });
  for (const [path, content] of Object.entries(files))
    if (!without.includes(path)) writeFileSync(new URL(path, folder), content);
  writeFileSync(new URL('index.html.part', folder), index);
  renameSync(new URL('index.html.part', folder), new URL('index.html', folder));
}

export function builtFolder(): URL {
  const folder = emptyFolder();
  writeBuild(folder);
  return folder;
}

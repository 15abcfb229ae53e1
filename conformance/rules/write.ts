import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadSuite } from '../src/index.ts';
import { documentOf } from './document.ts';
import { sections } from './index.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
await writeFile(
  at('../../docs/internals/conformance.md'),
  documentOf(sections, (await loadSuite(at('../cases'))).cases),
);

import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadSuite } from '../src/index.ts';
import { documentOf } from './document.ts';
import { sections } from './index.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = at('../../docs/generated/');
const text = documentOf(sections, (await loadSuite(at('../cases'))).cases);
await mkdir(folder, { recursive: true });
await writeFile(`${folder}conformance.md`, text);

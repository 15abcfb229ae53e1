import { readFileSync } from 'node:fs';
import { manifestFile } from './files.ts';

const manifest: unknown = JSON.parse(readFileSync(manifestFile, 'utf8'));

/** The version of this package, which is that of its server. */
export const version =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0';

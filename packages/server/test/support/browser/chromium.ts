import { existsSync } from 'node:fs';

/**
 * The browser to drive; null where there is none. A CI run without one fails: what it would have shown is not known.
 */
export function findChromium(): string | null {
  const path = process.env.OJS_CHROMIUM ?? '/usr/bin/chromium';
  if (existsSync(path)) return path;
  const missing = `${path} is missing; install Chromium (Debian: apt-get install chromium), or set OJS_CHROMIUM to a Chromium or Chrome`;
  if (process.env.CI) throw new Error(missing);
  console.warn(`The browser tests are skipped: ${missing}.`);
  return null;
}

export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

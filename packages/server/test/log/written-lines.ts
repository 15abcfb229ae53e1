import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export interface LogLine {
  readonly level: string;
  /** With `N` in place of each value. */
  readonly message: string;
}

const packages = resolve(import.meta.dirname, '../../..');
const sources = ['server/src/**/*.ts', 'core/src/cron/*.ts'];
const literal = /^(?:'([^']*)'|`([^`]*)`)$/;

/** Every line that the source writes to the log of a server. */
export function writtenLines(): readonly LogLine[] {
  return globSync(sources, { cwd: packages }).flatMap((file) =>
    linesOf(file, readFileSync(resolve(packages, file), 'utf8')),
  );
}

function linesOf(file: string, source: string): readonly LogLine[] {
  const called = [...source.matchAll(/\b(?:log|options\.log)\??\.(trace|debug|info|warn|error)\(/gi)].map(
    ({ index, 0: call, 1: level = '' }) => ({ level, message: lastOf(source, index + call.length) }),
  );
  // The HTTP layer gets two functions: one writes warnings, the other the access log.
  const handed = [...source.matchAll(/(?<![.\w])(?:this\.#)?(warn|write)\(/g)]
    .filter(() => file.startsWith('server/src/http/'))
    .map(({ index, 0: call, 1: name }) => ({
      level: name === 'write' ? 'info' : 'warn',
      message: lastOf(source, index + call.length),
    }));
  const tables = [...source.matchAll(/level: '(\w+)', message: ('[^']*')/g)].map(([, level = '', message = '']) => ({
    level,
    message,
  }));
  const warnings = [...source.matchAll(/event: ('[^']*'), fields/g), ...source.matchAll(/event: ('[^']*'),\n/g)]
    .filter(() => file === 'server/src/config.ts')
    .map(([, message = '']) => ({ level: 'warn', message }));
  return [...called, ...handed, ...tables, ...warnings].flatMap(({ level, message }) => {
    const [, plain, template] = literal.exec(message) ?? [];
    const text = plain ?? template?.replaceAll(/\$\{[^}]*\}/g, 'N');
    return text === undefined ? [] : [{ level, message: text }];
  });
}

/** The last argument of the call whose arguments begin here. */
function lastOf(source: string, from: number): string {
  let depth = 0;
  let start = from;
  let last = '';
  for (let at = from; at < source.length; at++) {
    const char = source[at] ?? '';
    if (char === "'" || char === '`') at = source.indexOf(char, at + 1);
    else if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char)) depth -= 1;
    if ((char === ',' && depth === 0) || depth < 0) {
      const text = source.slice(start, at).trim();
      if (text !== '') last = text;
      start = at + 1;
      if (depth < 0) return last;
    }
  }
  return last;
}

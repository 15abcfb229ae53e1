import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { elements, members } from '@ojs-ts/core';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../cases');

/** A request with its body fits into it, and a fetch or an acknowledgement with its answer too. */
const width = 300;

/** A step reads like a request and its answer, and a change shows what it changes. */
function layoutOf(text: string): string {
  const isList = (value: string) => elements(value).length > 0 && elements(value).every((one) => one.startsWith('{'));
  const lines: string[] = [];
  for (const [name, value] of members(text)) {
    const member = `${JSON.stringify(name)}: ${isList(value) ? stepsOf(value) : onOneLine(value)}`;
    const joined = `${lines.at(-1)}, ${member}`;
    // The names of a case are one line; its description and its sources are one, if they fit.
    const isNext =
      ['level', 'category', 'name', 'tags'].includes(name) || (name === 'spec_ref' && joined.length < width);
    if (isNext) lines.splice(-1, 1, joined);
    else lines.push(member);
  }
  return `{ ${lines.join(',\n  ')} }\n`;
}

function stepsOf(list: string): string {
  return `[\n${elements(list).map(stepOf).join(',\n')}]`;
}

/** One line if the step fits there. Otherwise each line has the members that fit, and the assertions begin a line. */
function stepOf(step: string): string {
  const whole = `    ${onOneLine(step)}`;
  // A comma follows.
  if (whole.length < width) return whole;
  const lines: string[] = [];
  for (const [name, value] of members(step)) {
    const member = `${JSON.stringify(name)}: ${onOneLine(value)}`;
    const last = lines.at(-1) ?? '';
    const joined = `${last}, ${member}`;
    if (lines.length === 0) lines.push(`    { ${member}`);
    else if (joined.length < width && name !== 'assertions') lines.splice(-1, 1, joined);
    else {
      lines.splice(-1, 1, `${last},`);
      lines.push(`      ${member}`);
    }
  }
  return `${lines.join('\n')} }`;
}

function onOneLine(json: string): string {
  const spaced: Readonly<Record<string, string>> = { '{': '{ ', '}': ' }', ',': ', ', ':': ': ' };
  return json.replace(/("(?:[^"\\]|\\.)*")|\{\s*\}|\s+|[{},:]/g, (token, quoted) => {
    if (quoted !== undefined) return token;
    return spaced[token] ?? token.replace(/\s/g, '');
  });
}

/** `LAYOUT=write npx vitest run conformance/test/layout.test.ts` brings all cases into it. */
test('a step of a case is one line, or its request and its assertions are lines of their own', async () => {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.json')) continue;
    const text = await readFile(join(folder, name), 'utf8');
    const layout = layoutOf(text);
    expect(JSON.parse(layout), name).toEqual(JSON.parse(text));
    if (process.env.LAYOUT === 'write') await writeFile(join(folder, name), layout);
    else expect(text, name).toBe(layout);
  }
});

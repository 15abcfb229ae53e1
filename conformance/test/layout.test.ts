import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { elements, members } from '@ojs-ts/core';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../cases');

/** One member of a step a line: a step reads like a request and its answer, and a change shows what it changes. */
function layoutOf(text: string): string {
  const isList = (value: string) => elements(value).length > 0 && elements(value).every((one) => one.startsWith('{'));
  return `${block(text, 0, (value) => (isList(value) ? stepsOf(value) : onOneLine(value)))}\n`;
}

function stepsOf(list: string): string {
  const steps = elements(list).map((step) => `    ${block(step, 4, onOneLine)}`);
  return `[\n${steps.join(',\n')}\n  ]`;
}

function block(object: string, indent: number, write: (value: string) => string): string {
  const pad = ' '.repeat(indent);
  const lines = Array.from(members(object), ([name, value]) => `${pad}  ${JSON.stringify(name)}: ${write(value)}`);
  return `{\n${lines.join(',\n')}\n${pad}}`;
}

function onOneLine(json: string): string {
  const spaced: Readonly<Record<string, string>> = { '{': '{ ', '}': ' }', ',': ', ', ':': ': ' };
  return json.replace(/("(?:[^"\\]|\\.)*")|\{\s*\}|\s+|[{},:]/g, (token, quoted) => {
    if (quoted !== undefined) return token;
    return spaced[token] ?? token.replace(/\s/g, '');
  });
}

/** `LAYOUT=write npx vitest run conformance/test/layout.test.ts` brings all cases into it. */
test('a case has one member of a step a line', async () => {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.json')) continue;
    const text = await readFile(join(folder, name), 'utf8');
    const layout = layoutOf(text);
    expect(JSON.parse(layout), name).toEqual(JSON.parse(text));
    if (process.env.LAYOUT === 'write') await writeFile(join(folder, name), layout);
    else expect(text, name).toBe(layout);
  }
});

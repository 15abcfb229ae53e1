import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { readConfig } from '../../server/src/config.ts';
import { serveCommand } from '../src/commands/serve.ts';

// bad-values.txt has each answer once, and under it the bad values that get it: of every option as a variable, as a
// flag, and in `startServer(options)`. NAME and VALUE are what the answer repeats of them.

const file = join(import.meta.dirname, 'bad-values.txt');
const between = '  ·  ';

/** Name and value of one input, and the message for it; null if the value is accepted. */
function refusal(input: string): { readonly name: string; readonly value: string; readonly message: string | null } {
  const [, variable, text = ''] = /^(OJS_\w+)=(.*)$/.exec(input) ?? [];
  if (variable !== undefined)
    return { name: variable, value: text, message: messageOf(() => readConfig({}, { [variable]: text })) };
  if (input.startsWith('--')) {
    const command = serveCommand()
      .exitOverride()
      .configureOutput({ writeErr() {} });
    const words = input.split(/ (.*)/).slice(0, 2);
    const [name = '', value = ''] = words;
    return { name, value, message: messageOf(() => command.action(() => {}).parse(words, { from: 'user' })) };
  }
  const [, name = '', value = ''] = /^([\w.]+): (.*)$/.exec(input) ?? [];
  const options = name.split('.').reduceRight<unknown>((inner, one) => ({ [one]: inner }), JSON.parse(value));
  return { name, value, message: messageOf(() => readConfig(Object(options), {})) };
}

function messageOf(read: () => unknown): string | null {
  try {
    read();
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError || (error instanceof Error && error.name === 'ConfigError'))) throw error;
    return error.message;
  }
}

/** The message as a line, with marks for what it repeats of the input. */
function answerOf(input: string): string {
  const { name, value, message } = refusal(input);
  if (message === null) return 'accepted';
  const text = message.replaceAll('\n', ' / ');
  if (text.startsWith(`error: option '${name}`))
    return text.replace(/'--[^']*'/, "'NAME'").replace(`argument '${value}'`, "argument 'VALUE'");
  return text.startsWith(`${name} is ${value};`) ? text.replace(`${name} is ${value};`, 'NAME is VALUE;') : text;
}

test('the messages for bad values are those of bad-values.txt', async () => {
  const sections = new Map<string, string[]>();
  const inputs = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('  ') ? line.trim().split(between) : []));
  for (const input of inputs) {
    const answer = answerOf(input);
    const lines = sections.get(answer) ?? [''];
    sections.set(answer, lines);
    const joined = `${lines.at(-1)}${between}${input}`;
    if (lines.at(-1) === '' || joined.length > 118) lines.push(input);
    else lines.splice(-1, 1, joined);
  }
  const text = [...sections].map(([answer, lines]) => `${[answer, ...lines.slice(1)].join('\n  ')}\n`);
  await expect(text.join('')).toMatchFileSnapshot(file);
});

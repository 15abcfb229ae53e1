import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { readConfig } from '../../server/src/config.ts';
import { serveCommand } from '../src/commands/serve.ts';

// bad-values.txt has the answer to a bad value of every option: as a variable, as a flag, and in `startServer(options)`.

const file = join(import.meta.dirname, 'bad-values.txt');

/** The message for one line of the file; null if the value is accepted. */
function refusal(input: string): string | null {
  const [, variable, text = ''] = /^(OJS_\w+)=(.*)$/.exec(input) ?? [];
  if (variable !== undefined) return messageOf(() => readConfig({}, { [variable]: text }));
  if (input.startsWith('--')) {
    const command = serveCommand()
      .exitOverride()
      .configureOutput({ writeErr() {} });
    return messageOf(() => command.action(() => {}).parse(input.split(/ (.*)/).slice(0, 2), { from: 'user' }));
  }
  const [, path = '', json = ''] = /^([\w.]+): (.*)$/.exec(input) ?? [];
  const options = path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), JSON.parse(json));
  return messageOf(() => readConfig(Object(options), {}));
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

test('the messages for bad values are those of bad-values.txt', async () => {
  const inputs = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('  '));
  const answers = inputs.map((input) => `${input}\n  ${(refusal(input) ?? 'accepted').replaceAll('\n', '\n  ')}\n`);
  await expect(answers.join('')).toMatchFileSnapshot(file);
});

import { checkVariables } from '@ojs-ts/core';
import { OJSValidationError } from '../../errors.ts';
import { readQueueName } from '../../options/values.ts';
import { readBaseUrl } from '../../transport/http.ts';
import { type Environment, logLevels } from '../platform.ts';
import { devServer } from './dev-server.ts';

/** The variables of the process. */
export const environment: Environment = {
  text,
  url: () => read('OJS_BACKEND_URL', readBaseUrl),
  devServer,
  token: () => text('OJS_AUTH_TOKEN'),
  queue: () => read('OJS_QUEUE', readQueueName),
  logLevel: () =>
    read('OJS_LOG_LEVEL', (word, name) => {
      const level = logLevels.find((one) => one === word.toLowerCase());
      if (level !== undefined) return level;
      throw OJSValidationError.of(name, `expected one of ${logLevels.join(', ')}, got ${JSON.stringify(word)}`);
    }),
};

/** Variables of other programs. The SDK does not read them, so it warns. */
const ofOthers: Readonly<Record<string, { readonly reader: string; readonly ours: string }>> = {
  OJS_URL: { reader: 'another SDK', ours: 'OJS_BACKEND_URL' },
  OJS_TOKEN: { reader: 'the server', ours: 'OJS_AUTH_TOKEN' },
};

/** Misspelled variables of clients, checked once a process; null before the check. */
let misspelled: readonly { readonly name: string; readonly suggestion: string }[] | null = null;

function text(name: string): string | undefined {
  misspelled ??= look();
  const [first] = misspelled;
  if (first !== undefined)
    throw OJSValidationError.of(first.name, `unknown variable. Did you mean ${first.suggestion}?`);
  return process.env[name] || undefined;
}

function look(): NonNullable<typeof misspelled> {
  const { misspelled, unknown } = checkVariables(process.env);
  const isQuiet = ['error', 'silent'].includes(process.env.OJS_LOG_LEVEL?.toLowerCase() ?? '');
  if (isQuiet) return misspelled;
  if (unknown.length > 0) void warnOf(unknown.map(({ name }) => name));
  for (const [name, { reader, ours }] of Object.entries(ofOthers)) {
    if (process.env[name] && !process.env[ours])
      console.warn(`ojs: variable not read ${name}: ${reader} reads it. This SDK reads ${ours}.`);
  }
  return misspelled;
}

/** The server's options are loaded only for a variable that this SDK does not know. */
async function warnOf(names: readonly string[]): Promise<void> {
  const { serverVariables } = await import('@ojs-ts/core/options');
  const { misspelled, unknown } = checkVariables(Object.fromEntries(names.map((name) => [name, ''])), serverVariables);
  for (const variable of [...misspelled, ...unknown]) console.warn('ojs: unknown variable', variable);
}

function read<T>(name: string, check: (value: string, name: string) => T): T | undefined {
  const value = text(name);
  return value === undefined ? undefined : check(value, name);
}

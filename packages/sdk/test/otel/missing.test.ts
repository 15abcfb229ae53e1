import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const entry = resolve(import.meta.dirname, '../../src/otel/index.ts');

/** As on a machine where the package is not installed. */
const hook = `
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === '@opentelemetry/api')
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(specifier, context);
    },
  });
`;

test.each(['opentelemetryMiddleware', 'opentelemetryEnqueueMiddleware'])(
  'without the API %s() throws a sentence that names it',
  (name) => {
    const script = `${hook}
    const otel = await import(${JSON.stringify(entry)});
    try { otel.${name}(); console.log('made'); } catch (error) { console.log(error.name + ': ' + error.message); }`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim()).toBe(
      'OJSError: @ojs-ts/sdk/otel needs the package @opentelemetry/api (1.3 or later), which is not installed: run `npm install @opentelemetry/api`.',
    );
  },
);

test('no file of the entry imports a type of the API', () => {
  for (const file of ['api', 'enqueue', 'execution', 'index', 'telemetry', 'trace-context']) {
    const text = readFileSync(resolve(entry, `../${file}.ts`), 'utf8');
    expect(text).not.toMatch(/(?:from|typeof import\() ?'@opentelemetry/);
  }
});

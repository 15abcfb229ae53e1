import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** The variables as a new process reads them. */
async function fresh() {
  vi.resetModules();
  return (await import('../../src/platform/node/environment.ts')).environment;
}

test('a misspelt variable is refused by every Client, with the right name', async () => {
  vi.stubEnv('OJS_BACKEND_ULR', 'http://localhost:1');
  const environment = await fresh();
  for (let client = 0; client < 2; client++) {
    const refusal = {
      name: 'OJSValidationError',
      message: 'OJS_BACKEND_ULR: unknown variable. Did you mean OJS_BACKEND_URL?',
    };
    expect(() => environment.url()).toThrow(expect.objectContaining(refusal));
  }
});

test('an unknown variable is logged once a process, unless the log is quiet; those of servers and Kubernetes never', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  vi.stubEnv('OJS_COLOUR', 'red');
  vi.stubEnv('OJS_STORAGE', 'memory:');
  vi.stubEnv('OJS_PORT', 'tcp://10.0.0.1:8080');
  const environment = await fresh();
  environment.url();
  environment.queue();
  await vi.waitFor(() => expect(warn).toHaveBeenCalled());
  expect(warn.mock.calls).toEqual([['ojs: unknown variable', { name: 'OJS_COLOUR', suggestion: null }]]);
  vi.stubEnv('OJS_LOG_LEVEL', 'error');
  (await fresh()).url();
  expect(warn).toHaveBeenCalledTimes(1);
});

test('a variable of the server or of another SDK is logged once, with the name for this SDK', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  vi.stubEnv('OJS_URL', 'http://localhost:1');
  vi.stubEnv('OJS_TOKEN', 'a-secret-of-the-server');
  const environment = await fresh();
  environment.url();
  environment.token();
  expect(warn.mock.calls).toEqual([
    ['ojs: variable not read OJS_URL: another SDK reads it. This SDK reads OJS_BACKEND_URL.'],
    ['ojs: variable not read OJS_TOKEN: the server reads it. This SDK reads OJS_AUTH_TOKEN.'],
  ]);
  vi.stubEnv('OJS_BACKEND_URL', 'http://localhost:1');
  vi.stubEnv('OJS_AUTH_TOKEN', 'a-secret');
  (await fresh()).url();
  expect(warn).toHaveBeenCalledTimes(2);
});

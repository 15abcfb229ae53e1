import { afterEach, expect, test } from 'vitest';
import { OJSError } from '../../src/index.ts';
import { CallThread } from '../../src/sync/call-thread.ts';
import { run } from '../support/process.ts';
import { serve } from '../support/serve.ts';

const open: CallThread[] = [];
const thread = (...args: ConstructorParameters<typeof CallThread>) => {
  const opened = new CallThread(...args);
  open.push(opened);
  return opened;
};
afterEach(() => {
  for (const one of open.splice(0)) one.end();
});

const plan = { url: 'http://127.0.0.1:1', headers: {} };
const call = { operation: 'system.health' } as const;
const support = (name: string) => new URL(`../support/${name}`, import.meta.url);

test('a thread that cannot start is an error, not a hang', () => {
  const began = performance.now();
  const broken = thread({ url: 'not a URL', headers: {} });
  expect(() => broken.call(call, {}, 60_000)).toThrow(/thread that makes the calls of this client has ended/);
  expect(() => broken.call(call, {}, 60_000)).toThrow(OJSError);
  expect(performance.now() - began).toBeLessThan(60_000);
});

test('a thread that dies during a call is an error', () => {
  const dying = thread(plan, { program: support('dying-thread.ts') });
  expect(() => dying.call(call, {}, 60_000)).toThrow(/has ended/);
});

test('a thread that is stuck is an error', () => {
  const stuck = thread(plan, { program: support('stuck-thread.ts'), sliceMs: 20 });
  expect(() => stuck.call(call, {}, 60_000)).toThrow(/has ended/);
});

test('a thread that ended between calls is an error with its reason', async () => {
  const dying = thread(plan, { program: support('throwing-thread.ts') });
  await expect.poll(() => gone(dying)).toMatch(/has ended: out of luck/);
});

test('a missing program of the thread, as in a bundle, is named', () => {
  expect(() => thread(plan, { program: support('missing.ts') })).toThrow(
    /missing\.ts; keep @ojs-ts\/sdk out of the bundle/,
  );
});

test('a late answer is not taken for the answer to the next call', () => {
  const late = thread(plan, { program: support('late-thread.ts') });
  expect(late.call(call, {}, 50)).toBeNull();
  expect(late.call(call, {}, 60_000)).toMatchObject({ text: 'of call 2' });
});

test('an unclosed client does not keep the process alive', async () => {
  await using server = await serve();
  await using program = run('unclosed.ts', server.url);
  await program.says('created');
  expect(await program.exit).toEqual({ code: 0, signal: null });
});

function gone(dying: CallThread): string {
  try {
    dying.call(call, {}, 0);
    return '';
  } catch (error) {
    return String(error);
  }
}

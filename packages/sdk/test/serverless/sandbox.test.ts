import { resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

/** The entry as an edge platform bundles it: no condition `node`, nothing of Node left to import. */
async function bundle(): Promise<string> {
  const build = await rolldown({
    input: resolve(import.meta.dirname, '../../src/serverless/index.ts'),
    platform: 'browser',
    resolve: { conditionNames: ['worker', 'browser', 'import', 'default'] },
  });
  const { output } = await build.generate({ format: 'iife', name: 'ojs' });
  await build.close();
  expect(output).toHaveLength(1);
  return output[0].code;
}

/** What Cloudflare Workers and Vercel's edge have: no process, no require, no Buffer. */
const webGlobals = {
  AbortController,
  AbortSignal,
  Headers,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  atob,
  btoa,
  clearTimeout,
  console,
  crypto,
  fetch,
  performance,
  queueMicrotask,
  setTimeout,
};

const code = await bundle();

test.each([
  ['Vercel', 'ojs.fetchHandler(worker)'],
  ['Cloudflare', 'ojs.cloudflareHandler(worker).fetch'],
])('%s: the package runs on a platform with fetch only', async (_name, make) => {
  const context = createContext({ ...webGlobals });
  runInContext(code, context);
  const handler: (request: Request) => Promise<Response> = runInContext(
    `const worker = new ojs.PushWorker(); worker.register('a.b', async ({ args }) => args[0] + 1); ${make}`,
    context,
  );
  const body = JSON.stringify({ job: { id: 'x', type: 'a.b', args: [1] }, worker_id: 'w', delivery_id: 'd' });
  const response = await handler(new Request('https://fn.example/', { method: 'POST', body }));
  expect(await response.json()).toEqual({ status: 'completed', result: 2 });
  expect(runInContext('typeof process + typeof require + typeof Buffer', context)).toBe('undefinedundefinedundefined');
});

// The pages as `npm run site -- --package` builds them, served over HTTP. Skipped where they are not built.
import { errorKinds } from '@ojs-ts/core';
import { expect, test } from 'vitest';
import { contentSecurityPolicy, folder, pages } from '../../../../docs/src/index.ts';
import { serveClocked } from '../../support/clocked.ts';
import { send } from '../../support/request.ts';

test.skipIf(pages.length === 0)('every built page is served, and every error links to a section of one', async () => {
  await using server = await serveClocked('memory:', {}, {}, { docs: { folder, contentSecurityPolicy } });
  for (const { path } of pages) {
    const { status, headers } = await send(server.url, { path: `/docs/${path}` });
    expect([path, status, headers['content-security-policy']]).toEqual([path, 200, contentSecurityPolicy]);
  }
  expect(contentSecurityPolicy).not.toMatch(/'unsafe-(?:inline|eval)'.*script-src|script-src[^;]*'unsafe-/);
  const { docs_url } = JSON.parse((await send(server.url, { path: '/nothing' })).text).error;
  const [path, anchor] = String(docs_url).replace(`${server.url}/docs/`, '').split('#');
  expect(anchor).toBe('not_found');
  const errors = pages.find((page) => page.path === path);
  expect(Object.keys(errorKinds).filter((code) => !errors?.anchors.includes(code))).toEqual([]);
});

import { maxEnvelopeBytes } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { send } from '../support/request.ts';
import { serve, serveAll } from '../support/server.ts';

const docs = 'https://github.com/ojs-ts/ojs-ts/blob/main/docs/reference/http.md lists the routes.';

describe('errors for a user of curl', () => {
  const server = serveAll();

  async function errorOf(request: Parameters<typeof send>[1]) {
    const { status, text } = await send(server.url, request);
    return { status, error: JSON.parse(text).error };
  }

  const id = newId();
  test.each([
    ['POST', '/ojs/v1/job', `Did you mean POST /ojs/v1/jobs? ${docs}`],
    ['POST', '/jobs', `Did you mean POST /ojs/v1/jobs? ${docs}`],
    ['POST', '/v1/jobs', `Did you mean POST /ojs/v1/jobs? ${docs}`],
    ['GET', `/ojs/v1/job/${id}`, `Did you mean GET /ojs/v1/jobs/:id? ${docs}`],
    ['GET', '/ojs/v1/queue/email/stats', `Did you mean GET /ojs/v1/queues/:name/stats? ${docs}`],
    ['GET', '/ojs/manifst', `Did you mean GET /ojs/manifest? ${docs}`],
    ['GET', '/ojs/v1/event/stream', `Did you mean GET /ojs/v1/events/stream? ${docs}`],
    ['PUT', '/ojs/v1/jobs', `This path takes POST, GET. ${docs}`],
    ['GET', '/ojs/v1/workers/fetch', `This path takes POST, DELETE. ${docs}`],
    ['GET', '/something/else', docs],
    ['GET', '/', `The API is under /ojs/v1, /ojs/manifest describes this server, /dashboard/ shows it. ${docs}`],
  ])('%s %s', async (method, path, hint) => {
    expect(await errorOf({ method, path })).toMatchObject({
      status: 404,
      error: { code: 'not_found', message: `There is no route ${method} ${path}.`, details: { method, path }, hint },
    });
  });

  test('a missing job still has the hint of the catalogue', async () => {
    const { error } = await errorOf({ path: `/ojs/v1/jobs/${id}` });
    expect(error.hint).toBe('Check the id. The server deletes a finished job when its retention ends.');
  });

  test('a missing name is said, with the nearest one that exists', async () => {
    const change = (method: string, path: string, body: unknown) =>
      send(server.url, { method, path: `/ojs/v1${path}`, body: JSON.stringify(body) });
    await change('PUT', '/queues/newsletter/config', {});
    await change('PUT', '/rate-limits/customer:1', { concurrency: 1 });
    await change('POST', '/cron', { name: 'nightly', cron: '0 3 * * *', job: { type: 'report.make', args: [] } });
    await change('POST', '/schemas', { type: 'mail.send', version: '1.0.0', schema: { type: 'array' } });
    const missing: [path: string, message: string][] = [
      ['/queues/newsleter', 'There is no queue newsleter. Did you mean newsletter?'],
      ['/queues/other', 'There is no queue other.'],
      ['/rate-limits/custmer:1', 'There is no limit custmer:1. Did you mean customer:1?'],
      ['/cron/nihgtly', 'There is no cron job nihgtly. Did you mean nightly?'],
      ['/schemas/mail.sedn', 'There is no schema mail.sedn. Did you mean mail.send?'],
      ['/schemas/mail.send/2.0.0', 'There is no schema mail.send@2.0.0. Did you mean mail.send@1.0.0?'],
      ['/workers/w1/health', 'There is no worker w1.'],
      [`/workflows/${id}`, `There is no workflow ${id}.`],
      ['/events/stream?channel=queue:newsleter', 'There is no queue newsleter.'],
    ];
    for (const [path, message] of missing)
      expect(await errorOf({ path: `/ojs/v1${path}` }), path).toMatchObject({ status: 404, error: { message } });
  });

  test('a request with a foreign Host, a wrong version or a compressed body: the message has what was sent', async () => {
    const messageOf = async (headers: Record<string, string>, body?: string) =>
      (await errorOf({ method: 'POST', path: '/ojs/v1/jobs', headers, ...(body !== undefined && { body }) })).error
        .message;
    expect(await messageOf({ host: 'jobs.example.com:443' })).toBe(
      'The Host "jobs.example.com:443" is not a name of this server. Behind a proxy, start it with ' +
        '--allow-host jobs.example.com (OJS_ALLOWED_HOSTS).',
    );
    expect(await messageOf({ origin: 'https://evil.example' })).toContain('of another origin, "https://evil.example".');
    expect(await messageOf({ 'ojs-version': '2.0' })).toContain('expected 1.0, got 2.0.');
    expect(await messageOf({ 'content-encoding': 'gzip' }, '{}')).toContain('got gzip. Send the body uncompressed.');
  });

  test('a page that is turned off is not named', async () => {
    const other = await serve({ dashboard: false });
    try {
      expect(JSON.parse((await send(other.url, { path: '/' })).text).error.hint).not.toContain('dashboard');
    } finally {
      await other.close();
    }
  });

  test('the media type that curl sends by itself', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { error } = await errorOf({
      method: 'POST',
      path: '/ojs/v1/jobs',
      body: '{"type":"a.b","args":[]}',
      headers,
    });
    expect(error).toMatchObject({
      code: 'invalid_request',
      message:
        'Content-Type: expected application/json or application/openjobspec+json, got application/x-www-form-urlencoded.',
      hint: "Send the header content-type: application/json, with curl: -H 'content-type: application/json'.",
      details: {},
    });
  });

  test('a hint names details if the error has them', async () => {
    const fields = await errorOf({ method: 'POST', path: '/ojs/v1/jobs', body: '{"args":[]}' });
    expect(fields.error.hint).toBe(
      'Correct the request as the message says. details.validation_errors names the fields.',
    );
    expect(fields.error.details.validation_errors).toHaveLength(1);
    const plain = await errorOf({
      method: 'POST',
      path: '/ojs/v1/jobs',
      body: '{}',
      headers: { 'content-encoding': 'gzip' },
    });
    expect(plain.error).toMatchObject({ hint: 'Correct the request as the message says.', details: {} });
  });

  test('a job that is too large says what to do instead', async () => {
    const body = JSON.stringify({ type: 'a.b', args: ['x'.repeat(maxEnvelopeBytes)] });
    const { status, error } = await errorOf({ method: 'POST', path: '/ojs/v1/jobs', body });
    expect(status).toBe(413);
    expect(error.message).toMatch(
      /bytes; at most 1048576 are allowed\. Keep args small: store the data elsewhere and send its id\.$/,
    );
  });
});

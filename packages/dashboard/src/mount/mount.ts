import { existsSync } from 'node:fs';
import { type CallContext, type GuardedTransport, ProtocolError, type StreamChannel } from '@ojs-ts/core';
import { grants, rights } from '@ojs-ts/core/access';
import { docsHome, renderError, repositoryDocs, requestIdOf } from '@ojs-ts/core/requests';
import { Pages, pagesFolder, version } from '../pages.ts';
import { readBody } from './body.ts';
import { checkLoopback, checkSite } from './guard.ts';
import { checkOptions, type DashboardOptions, type Holder, holderOf } from './options.ts';
import type { MountAnswer, MountRequest } from './request.ts';
import { targetOf } from './routes.ts';

const defaultBodyLimit = 1_048_576;
/**
 * A stream ends after this time, in milliseconds. Its browser comes again, continues after the last event, and
 * `authorize` decides again.
 */
const maxStreamMs = 600_000;

const apiHeaders = {
  'content-type': 'application/openjobspec+json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'ojs-version': '1.0',
} as const;

/** Opens the engine, or answers the one that is open. */
export type Engine = () => GuardedTransport | Promise<GuardedTransport>;

/** The dashboard and its part of the API, in front of an engine in the same process. */
export class Mount<R> {
  readonly #engine: Engine;
  readonly #options: DashboardOptions<R>;
  readonly #pages: Pages;
  readonly #closing = new AbortController();

  /** @throws TypeError for wrong options, and outside of development without `authorize`. */
  constructor(engine: GuardedTransport | Engine, options: DashboardOptions<R>) {
    checkOptions(options);
    this.#options = options;
    if (typeof engine === 'function') this.#engine = async () => guarded(await engine());
    else this.#engine = always(guarded(engine));
    const { pages: folder = pagesFolder } = options;
    if (!existsSync(new URL('index.html', folder)))
      throw new Error(
        `dashboard: the folder of the pages, ${folder.href}, has no index.html. A bundler must leave out ` +
          '@ojs-ts/dashboard, because the package reads files beside its code. ' +
          'In a clone of ojs-ts, run npm run setup.',
      );
    this.#pages = new Pages({ apiRoot: './', folder });
  }

  /** Rejects with what `authorize` throws, and where the engine gives no answer. */
  async answer(request: MountRequest<R>): Promise<MountAnswer> {
    const requestId = requestIdOf(request.header('x-request-id'));
    try {
      return await this.#answer(request, requestId);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return refusal(error, requestId);
    }
  }

  /** Ends the open streams: an application that closes would wait for them. */
  close(): void {
    this.#closing.abort();
  }

  async #answer(request: MountRequest<R>, requestId: string): Promise<MountAnswer> {
    const { path } = request;
    const { authorize } = this.#options;
    if (authorize === undefined) checkLoopback(request);
    const isSession = path === '/session';
    if (!isSession && !path.startsWith('/ojs/')) return this.#page(request);
    checkSite(request);
    const holder = await holderOf(authorize, request.original);
    if (isSession) return this.#session(request.method, holder, requestId);
    if (holder === null)
      throw new ProtocolError(
        'unauthenticated',
        'The application in which this dashboard is mounted refuses the request.',
        {},
        'Log in to the application.',
      );
    return this.#api(request, holder, requestId);
  }

  async #page(request: MountRequest<R>): Promise<MountAnswer> {
    const { method, original } = request;
    if (method !== 'GET' && method !== 'HEAD')
      return text(405, 'This page can only be read: send GET.', { allow: 'GET, HEAD' });
    if ((await holderOf(this.#options.authorize, original)) === null)
      return text(403, 'You may not see this dashboard. Log in to the application as a user who may.');
    const answer = await this.#pages.answer(request);
    if (answer.status === 404) return text(404, 'There is no such file.');
    return method === 'HEAD' ? { ...answer, body: null } : answer;
  }

  #session(method: string, holder: Holder | null, requestId: string): MountAnswer {
    if (method !== 'GET') {
      const fault = new ProtocolError(
        'unsupported',
        'This dashboard has no login of its own: the application in which it is mounted decides who may use it.',
        {},
        'Log in to the application, or out of it.',
      );
      return { ...refusal(fault, requestId), status: 405, headers: { ...apiHeaders, allow: 'GET' } };
    }
    const grant = holder?.grant ?? { roles: [], queues: [] };
    const body = {
      required: this.#options.authorize !== undefined,
      authenticated: holder !== null,
      principal: holder?.name ?? null,
      roles: grant.roles,
      rights: rights.filter((right) => grants(grant, right)),
      queues: grant.queues,
      sees_arguments: grants(grant, 'payload'),
      version,
      docs_url: docsHome(repositoryDocs),
      mode: 'mounted',
    };
    return { status: 200, headers: { ...apiHeaders, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  }

  async #api(request: MountRequest<R>, { grant, owner }: Holder, requestId: string): Promise<MountAnswer> {
    const { method, path, query, signal, address } = request;
    const target = targetOf(method, path, query);
    const context = { requestId, grant, owner, ...(address !== undefined && { address }) };
    if (target.kind === 'stream') return this.#stream(request, target.channel, context);
    const body = method === 'GET' ? undefined : await readBody(request, this.#options.bodyLimit ?? defaultBodyLimit);
    const key = request.header('idempotency-key');
    const engine = await this.#engine();
    const answer = await engine.call(
      {
        operation: target.name,
        params: target.params,
        query: Object.fromEntries(query),
        ...(body !== undefined && { body }),
        ...(key !== undefined && key !== '' && { idempotencyKey: key }),
      },
      { ...context, signal },
    );
    return { status: answer.status, headers: { ...apiHeaders, ...answer.headers }, body: answer.text };
  }

  async #stream(
    { query, signal, header }: MountRequest<R>,
    channel: StreamChannel,
    context: CallContext,
  ): Promise<MountAnswer> {
    const engine = await this.#engine();
    if (engine.stream === undefined)
      throw new ProtocolError('unsupported', 'This engine has no event streams; mount an Engine of @ojs-ts/server.');
    const { channel: _, last_event_id: id, lastEventId, ...filter } = Object.fromEntries(query);
    const last = header('last-event-id') ?? id ?? lastEventId ?? '';
    const ends = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(maxStreamMs)]);
    const { status, headers, text, chunks } = await engine.stream(
      { channel, query: filter, ...(last !== '' && { lastEventId: last }) },
      { ...context, signal: ends },
    );
    if (chunks === null) return { status, headers: { ...apiHeaders, ...headers }, body: status === 204 ? null : text };
    return {
      status,
      headers: { ...apiHeaders, ...headers, 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' },
      body: until(ends, chunks),
    };
  }
}

/** Yields the chunks until the signal aborts; an end that was asked for is no error. */
async function* until(signal: AbortSignal, chunks: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* chunks;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * Any other transport would answer everything to everybody whom `authorize` lets in.
 * @throws TypeError
 */
function guarded(engine: GuardedTransport): GuardedTransport {
  if (engine.honorsGrants === true) return engine;
  throw new TypeError(
    'dashboard: expected an engine that holds callers to their roles, such as the one of openEmbedded(). ' +
      'A server has a dashboard of its own.',
  );
}

function always<T>(value: T): () => T {
  return () => value;
}

function refusal(fault: ProtocolError, requestId: string): MountAnswer {
  return {
    status: fault.kind.status,
    headers: { ...apiHeaders, 'x-request-id': requestId },
    body: renderError(fault, { requestId }),
  };
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): MountAnswer {
  const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
  return { status, headers: { ...plain, 'cache-control': 'no-store', ...headers }, body: `${body}\n` };
}

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Binding } from '../binding/binding.ts';

type Telemetry = Binding['engine']['telemetry'];
type RequestSpan = ReturnType<Telemetry['tracing']['request']>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Null if spans are not recorded. */
    span: RequestSpan;
  }
  interface FastifyContextConfig {
    /** Lasts as long as its reader: its time says nothing. A refusal is counted. */
    readonly stream?: boolean;
  }
}

/**
 * Measures every request from its headers to the end of its answer, and makes its span by the conventions of
 * OpenTelemetry for HTTP.
 */
export function observe(app: FastifyInstance, { tracing, requests, activeRequests }: Telemetry): void {
  app.decorateRequest('span', null);
  // The first hook: refusals of the others are measured too.
  app.addHook('onRequest', (request, reply, done) => {
    const began = performance.now();
    const { url = '', config } = request.routeOptions;
    const isStream = config.stream === true;
    if (tracing.isOn && !isStream) request.span = spanOf(request, url, tracing);
    if (!isStream) activeRequests.add(1);
    reply.raw.once('close', () => {
      if (!isStream) activeRequests.add(-1);
      const status = reply.raw.statusCode;
      request.span?.end(
        { 'http.response.status_code': status },
        status >= 500 ? String(status) : reply.raw.writableFinished ? null : 'disconnected',
      );
      if (isStream && status < 400) return;
      const labels = {
        http_request_method: request.method,
        http_route: url,
        http_response_status_code: String(status),
      };
      requests.of(labels).record((performance.now() - began) / 1_000);
    });
    done();
  });
}

function spanOf(request: FastifyRequest, route: string, tracing: Telemetry['tracing']): RequestSpan {
  const { method, protocol, headers, ip } = request;
  const agent = headers['user-agent'];
  return tracing.request(
    route === '' ? method : `${method} ${route}`,
    {
      'http.request.method': method,
      ...(route !== '' && { 'http.route': route }),
      'url.path': request.url.split('?', 1)[0] ?? '',
      'url.scheme': protocol,
      'client.address': ip,
      'network.protocol.version': request.raw.httpVersion,
      ...(agent !== undefined && { 'user_agent.original': agent }),
    },
    headers,
  );
}

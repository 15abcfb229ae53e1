import { type Answer, type StreamCall, streamPathOf } from '@ojs-ts/core';
import { type HttpOptions, headersOf, targetOf, withQuery } from './http.ts';

export function streamTargetOf(call: StreamCall, base: URL): string {
  const { path, query } = streamPathOf(call.channel);
  return targetOf(base, withQuery(path, { ...query, ...call.query }));
}

/** Method and URL of a stream, for messages. */
export function streamPlaceOf(call: StreamCall, http: HttpOptions | null): string {
  if (http === null) return `GET ${streamPathOf(call.channel).path}`;
  return `GET ${http.base.origin}${streamTargetOf(call, http.base)}`;
}

export async function streamHeadersOf(
  call: StreamCall,
  requestId: string | undefined,
  options: HttpOptions,
): Promise<Record<string, string>> {
  const headers = await headersOf({ operation: 'event.list' }, requestId, options);
  headers.accept = 'text/event-stream';
  if (call.lastEventId !== undefined) headers['last-event-id'] = call.lastEventId;
  return headers;
}

/** Reports whether the answer is a stream; otherwise it is a refusal or the page of a proxy. */
export function isStream({ status, headers }: Pick<Answer, 'status' | 'headers'>): boolean {
  return status === 200 && (headers['content-type'] ?? '').toLowerCase().startsWith('text/event-stream');
}

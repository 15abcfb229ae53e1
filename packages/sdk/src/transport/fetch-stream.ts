import type { CallContext, StreamAnswer, StreamCall } from '@ojs-ts/core';
import type { HttpOptions } from './http.ts';
import { isStream, streamHeadersOf, streamTargetOf } from './stream.ts';

/** Server-Sent Events by fetch. */
export async function openStream(options: HttpOptions, call: StreamCall, context: CallContext): Promise<StreamAnswer> {
  const send = options.fetch ?? fetch;
  const response = await send(`${options.base.origin}${streamTargetOf(call, options.base)}`, {
    headers: await streamHeadersOf(call, context.requestId, options),
    signal: context.signal ?? null,
  });
  const head = { status: response.status, headers: Object.fromEntries(response.headers) };
  if (response.body === null || !isStream(head)) return { ...head, text: await response.text(), chunks: null };
  return { ...head, text: '', chunks: chunksOf(response.body) };
}

/** A reader instead of the stream's own iterator, which not every platform has. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

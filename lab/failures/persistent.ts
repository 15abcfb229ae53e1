import { setTimeout as pause } from 'node:timers/promises';

/** Calls again until an answer comes that is not 503: for requests that are the same however often they are sent. */
export async function persist(
  url: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly body: Json }> {
  for (;;) {
    try {
      const response = await fetch(url + path, {
        method,
        ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(5_000),
      });
      const answer = (await response.json()) as Json;
      if (response.status !== 503) return { status: response.status, body: answer };
    } catch {
      // The server is down, or was cut off in the middle of its answer.
    }
    await pause(50);
  }
}

export type Json = Readonly<Record<string, unknown>>;

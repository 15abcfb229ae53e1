import { inject } from 'vitest';

export type ServerKind = 'postgres' | 'redis';

/** What `servers.ts` answers: where the server is, what to install, or why one that is installed does not run. */
export type ServerAnswer = { readonly url: string } | { readonly missing: string } | { readonly error: string };

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `servers.ts` listens. */
    readonly testServers: string;
    /** What the names of the run's namespaces begin with: no other run's do. */
    readonly testRun: string;
  }
}

/**
 * Asks the run for its server, which is started by the first question. A CI run without one fails: what it would have
 * shown is not known.
 */
export async function serverUrl(kind: ServerKind): Promise<string | null> {
  const response = await fetch(`${inject('testServers')}/${kind}`);
  const answer = (await response.json()) as ServerAnswer;
  if ('url' in answer) return answer.url;
  if ('error' in answer) throw new Error(answer.error);
  if (process.env.CI) throw new Error(answer.missing);
  return null;
}

import type { Right } from '@ojs-ts/core/access';
import { coversEveryQueue } from '@ojs-ts/core/access';
import type { OperationName } from '@ojs-ts/core/operations';
import { operations } from '@ojs-ts/core/operations';
import { type QueryClient, queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { parse } from '../json/numeral.ts';
import { send } from './client.ts';
import { apiRoot, uiRoot } from './roots.ts';

/** Who looks at the page, and what they may do. */
export interface Session {
  /** True if the server asks for a token. */
  readonly required: boolean;
  readonly authenticated: boolean;
  readonly principal: string | null;
  readonly roles: readonly string[];
  readonly rights: readonly Right[];
  readonly queues: readonly string[];
  readonly sees_arguments: boolean;
  readonly version: string;
  /** The documentation: of this server where it is installed, else of the option `docsUrl` or the repository. */
  readonly docs_url: string;
  /** `mounted`: an application serves the page, and its own login decides. */
  readonly mode: 'server' | 'mounted';
}

const address = new URL('session', uiRoot);

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => parse(await send('GET', address, { signal })) as Session,
  staleTime: Number.POSITIVE_INFINITY,
});

/** Drops the answers for the caller before. The session stays, where the page around this one sees it change. */
export function forgetAnswers(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey: [name] }) => name !== sessionQuery.queryKey[0] });
}

/** @throws ApiFailure for a wrong token */
export async function logIn(token: string): Promise<Session> {
  return parse(await send('POST', address, { body: { token, base_path: apiRoot.pathname } })) as Session;
}

export async function logOut(): Promise<void> {
  await send('DELETE', address);
}

export function useSession(): Session {
  return useSuspenseQuery(sessionQuery).data;
}

/** Reports whether the caller may make this call. Actions without permission are not shown. */
export function mayCall(session: Pick<Session, 'rights' | 'queues'>, name: OperationName): boolean {
  const { right, queues } = operations[name];
  if (queues === 'every' && !coversEveryQueue(session)) return false;
  return right === 'open' || session.rights.includes(right);
}

/** Reports whether the caller sees all queues. From other callers the server takes no list that names no queue. */
export function useEveryQueue(): boolean {
  return coversEveryQueue(useSession());
}

export function useMay(name: OperationName): boolean {
  return mayCall(useSession(), name);
}

export interface IfMayProps {
  readonly call: OperationName;
  /** For callers who may not make the call: the text of a link without the link. */
  readonly otherwise?: ReactNode;
  readonly children: ReactNode;
}

/** A link for callers who may make the call that its page lives from. */
export function IfMay({ call, otherwise = null, children }: IfMayProps) {
  return useMay(call) ? children : otherwise;
}

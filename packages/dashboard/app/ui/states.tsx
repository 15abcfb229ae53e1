import type { UseQueryResult } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext } from 'react';
import { ApiFailure, messageOf } from '../api/failure.ts';
import { Button } from './button.tsx';

/** There is nothing to show, and what would be here. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** True if a banner above the page says already that the server or its storage is unreachable. */
export const OutageShown = createContext(false);

/** The error and what to do; `retry` asks again. A part that waits for the end of a known outage says only that. */
export function Failure({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const isKnown = useContext(OutageShown);
  if (isKnown && retry !== undefined && error instanceof ApiFailure && error.isOutage)
    return <p className="soft">Not known during the outage. The page asks again after it.</p>;
  const { hint, requestId } = error instanceof ApiFailure ? error : { hint: undefined, requestId: undefined };
  return (
    <div className="failure" role="alert">
      <strong>{messageOf(error)}</strong>
      {hint !== undefined && <span className="hint">{hint}</span>}
      {requestId !== undefined && <span className="small">Request {requestId}</span>}
      {retry && (
        <div>
          <Button size="small" onClick={retry}>
            Try again
          </Button>
        </div>
      )}
    </div>
  );
}

/** Lines in the place of what is on its way. */
export function Loading({ lines = 4 }: { readonly lines?: number }) {
  return (
    <div className="stack" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
        <div key={index} className="skeleton" style={{ height: '1.75rem', width: `${92 - (index % 3) * 14}%` }} />
      ))}
    </div>
  );
}

export interface LoadedProps<Data> {
  readonly query: UseQueryResult<Data, Error>;
  readonly lines?: number;
  readonly children: (data: Data) => ReactNode;
}

/** The answer of a query, or its state. An answer stays while a later one fails, with the failure above it. */
export function Loaded<Data>({ query, lines, children }: LoadedProps<Data>) {
  const { data, error, refetch } = query;
  if (data === undefined) {
    return error === null ? <Loading lines={lines ?? 4} /> : <Failure error={error} retry={() => void refetch()} />;
  }
  return (
    <>
      {error !== null && <Failure error={error} retry={() => void refetch()} />}
      {children(data)}
    </>
  );
}

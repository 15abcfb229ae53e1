import type { Limit } from '@ojs-ts/core/schemas';
import { formatCount } from '../../format/numbers.ts';

/** How much of a limit is taken. */
export function Use({ limit: { key, concurrency, active } }: { readonly limit: Limit }) {
  if (concurrency === undefined) return <>{formatCount(active)}</>;
  return (
    <span className="row nowrap">
      <meter
        aria-label={`Running under ${key}`}
        min={0}
        max={Math.max(1, concurrency.limit)}
        value={concurrency.limit === 0 ? 1 : concurrency.active}
      />
      {formatCount(concurrency.active)} of {formatCount(concurrency.limit)}
    </span>
  );
}

/** The risks of a store, by code. */
export type StoreFindingCode =
  // PostgreSQL and SQLite
  | 'changed_layout'
  // PostgreSQL
  | 'sync_off'
  | 'autovacuum_off'
  | 'held_snapshot'
  | 'dead_rows'
  | 'missing_index'
  | 'idle_slot'
  | 'few_connections'
  | 'store_moved'
  // Redis
  | 'no_persistence'
  | 'write_failed'
  | 'memory_low'
  | 'behind_replica'
  // SQLite
  | 'disk_low'
  | 'large_log'
  | 'unsafe_sync';

/** A problem of a store that an operator should fix. */
export interface StoreFinding {
  readonly code: StoreFindingCode;
  /** `error`: jobs are lost or blocked, or soon will be. */
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** The action that fixes it: a command or a statement where there is one. */
  readonly remedy: string;
}

/** @param other where a fresh store could be. */
export function changedLayout(store: string, other: string): StoreFinding {
  return {
    code: 'changed_layout',
    severity: 'warning',
    message:
      `The layout of ${store} was created with other SQL files than those of this version: ` +
      'an index or a column may differ.',
    remedy:
      `ojs backup jobs.ojs --storage URL, then ojs restore ` +
      `jobs.ojs --storage URL with another ${other} in the URL.`,
  };
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${unit === 0 ? bytes : (bytes / 1_024 ** unit).toFixed(1)} ${units[unit]}`;
}

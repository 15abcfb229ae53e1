/** `pagination` of every list. */
export interface Pagination {
  readonly limit: number;
  readonly has_more: boolean;
  readonly next_cursor?: string | null;
  readonly total?: number;
  /** True if `total` ended at a bound. */
  readonly total_is_lower_bound?: boolean;
}

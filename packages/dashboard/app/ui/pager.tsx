import type { Pagination } from '@ojs-ts/core/schemas';
import { useSearchTexts } from '../search.ts';
import { Button } from './button.tsx';

/** The page of a list that the address asks for, from 1. */
export function usePage(): number {
  return Math.max(1, Math.trunc(Number(useSearchTexts().search.page)) || 1);
}

/** Steps through the pages of a list; nothing where there is one. */
export function Pager({ pagination: { has_more, total, limit } }: { readonly pagination: Pagination }) {
  const { change } = useSearchTexts();
  const page = usePage();
  if (!has_more && page === 1) return null;
  return (
    <div className="row">
      <Button disabled={page === 1} onClick={() => change({ page: String(page - 1) })}>
        Previous
      </Button>
      <span className="soft">
        Page {page}
        {total !== undefined && ` of ${Math.max(1, Math.ceil(total / limit))}`}
      </span>
      <Button disabled={!has_more} onClick={() => change({ page: String(page + 1) })}>
        Next
      </Button>
    </div>
  );
}

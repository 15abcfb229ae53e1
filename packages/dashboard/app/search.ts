import { useNavigate, useSearch } from '@tanstack/react-router';

/** Parameters of a page in its address. Each page reads and checks its own; other texts are left out. */
export type SearchTexts = Readonly<Record<string, string | undefined>>;

/**
 * The state of a page in its address, as texts. `change` keeps the others; `undefined` removes one. `replace` adds no
 * entry to the history: for what is being typed.
 */
export function useSearchTexts(): {
  readonly search: SearchTexts;
  readonly change: (next: SearchTexts, options?: { readonly replace?: boolean }) => void;
} {
  const search: SearchTexts = useSearch({ strict: false });
  const navigate = useNavigate();
  return {
    search,
    change: (next, { replace = false } = {}) =>
      void navigate({ to: '.', search: (last: SearchTexts) => ({ ...last, ...next }), replace }),
  };
}

import { useSearchTexts } from '../search.ts';

export interface FindFieldProps {
  /** Parameter of the address that has the text. */
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
}

/** Narrows a list while one types; the key `/` comes here. */
export function FindField({ name, label, placeholder = label }: FindFieldProps) {
  const { search, change } = useSearchTexts();
  return (
    <input
      data-search
      type="search"
      aria-label={label}
      placeholder={placeholder}
      style={{ width: 'min(18rem, 100%)' }}
      value={search[name] ?? ''}
      onChange={({ target }) => change({ [name]: target.value || undefined }, { replace: true })}
    />
  );
}

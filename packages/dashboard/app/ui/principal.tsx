import { useCall } from '../api/calls.ts';
import { useMay } from '../api/session.ts';

/** Who made a call. A token of the storage has its name here; `token_ID` is its title, and what the audit log keeps. */
export function Principal({ id }: { readonly id: string }) {
  const name = useTokenName(id);
  return name === undefined ? id : <span title={id}>{name}</span>;
}

function useTokenName(id: string): string | undefined {
  const may = useMay('token.list');
  const isToken = id.startsWith('token_');
  const { data } = useCall('token.list', { query: { limit: 1_000 }, enabled: may && isToken });
  return data?.items.find((token) => `token_${token.id}` === id)?.name;
}

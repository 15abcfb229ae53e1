/** Who the holder of a token of the store is, in operations, keys and the audit log: the same after a rotation. */
export function tokenPrincipal(id: string): string {
  return `token_${id}`;
}

/** The id of the token; null for everybody else. */
export function tokenOfPrincipal(principal: string): string | null {
  return /^token_([0-9a-f]{16})$/.exec(principal)?.[1] ?? null;
}

/** The fence of a claim on the wire: an opaque text to clients. */
export function leaseOf(claim: number): string {
  return `c${claim.toString(36)}`;
}

/** The claim of a lease; null for any other text. */
export function claimOf(lease: string): number | null {
  if (!/^c[1-9a-z][0-9a-z]{0,10}$/.test(lease)) return null;
  const claim = Number.parseInt(lease.slice(1), 36);
  return Number.isSafeInteger(claim) ? claim : null;
}

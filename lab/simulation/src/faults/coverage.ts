/** Kinds of faults that a long hunt must have met. One that never occurred was not tested. */
export const faultKinds = [
  'request dropped',
  'answer lost',
  'answer late',
  'answer slow',
  'request twice',
  'connection reset',
  'silence',
  'connection refused',
  'network cut',
  'network slow',
  'stream broken',
  'slow reader',
  'store failed before the effect',
  'store failed after the effect',
  'store out of reach',
  'store stalled',
  'wake-up lost',
  'server crashed',
  'server stopped',
  'worker crashed',
  'worker stopped',
  'client crashed',
  'event loop blocked',
  'clock jumped',
  'answer 409',
  'answer 503',
  'item 409',
  'claim expired',
  'claim of a dead worker',
  'claim forgotten',
] as const;
const remoteKinds: ReadonlySet<string> = new Set(['store out of reach', 'store stalled', 'wake-up lost']);
export type FaultKind = (typeof faultKinds)[number];

/** How often each kind of fault occurred. */
export class Coverage {
  readonly counts = new Map<string, number>();

  count(kind: FaultKind, by = 1): void {
    if (by > 0) this.counts.set(kind, (this.counts.get(kind) ?? 0) + by);
  }

  add(other: Readonly<Record<string, number>>): void {
    for (const [kind, count] of Object.entries(other)) this.counts.set(kind, (this.counts.get(kind) ?? 0) + count);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort());
  }

  /** @param isLocal whether the store is in the servers' own process, with no way to it. */
  missing(isLocal: boolean): readonly string[] {
    return faultKinds.filter((kind) => !this.counts.has(kind) && !(isLocal && remoteKinds.has(kind)));
  }
}

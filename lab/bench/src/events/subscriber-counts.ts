/** What a subscriber received, drop notices included. */
export interface SubscriberCounts {
  readonly events: number;
  readonly dropped: number;
}

export type SubscriberMessage =
  | { readonly ready: true }
  | { readonly counts: SubscriberCounts }
  | { readonly error: string };

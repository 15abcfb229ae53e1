/** What a subscriber was told, drop notices included. */
export interface Told {
  readonly events: number;
  readonly dropped: number;
}

export type SubscriberMessage = { readonly ready: true } | { readonly told: Told } | { readonly error: string };

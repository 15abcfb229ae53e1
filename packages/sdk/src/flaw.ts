/** What a value of a request fails. */
export type Rule = 'args' | 'camel' | 'depth' | 'id' | 'json' | 'loop' | 'priority' | 'queue' | 'type';

/** Why a request cannot be sent. The words for it are in `refusal.ts`: a program whose requests are good does without them. */
export interface Flaw {
  /** Where the value stands, such as `args[0].when` or `priority`. */
  readonly path: string;
  readonly rule: Rule;
  readonly value: unknown;
}

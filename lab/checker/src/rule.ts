import type { Timeline } from './timeline.ts';

/** A promise that the history shows to be broken. */
export interface Violation {
  readonly rule: string;
  /** When it showed, on the observer's clock. */
  readonly at: number;
  readonly job?: string | undefined;
  /** What was seen, and what was expected. */
  readonly message: string;
}

/** Reports what breaks the rule; answers how many things it judged. */
export type Rule = (timeline: Timeline, broken: (violation: Omit<Violation, 'rule'>) => void) => number;

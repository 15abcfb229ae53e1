import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** True makes a tenth of the runs of each property, which is what `npm test` has time for. */
    readonly fewRuns?: boolean;
  }
}

export const fewRuns = inject('fewRuns') === true;

/** How often a property is checked, which all have in `npm run test:long`. */
export function checks(count: number): number {
  return fewRuns ? Math.ceil(count / 10) : count;
}

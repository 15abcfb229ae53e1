import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The seed of all properties. */
    readonly seed: number;
  }
}

// The same draws in every run on a commit: a run that failed fails again, and each commit draws others.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: inject('seed') });

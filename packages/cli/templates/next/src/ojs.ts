import { nextOjs } from '@ojs-ts/sdk/next';

/** One client a process, also when development reloads this module. */
export const ojs = nextOjs(() => ({}));

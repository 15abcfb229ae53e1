import type * as answers from '@ojs-ts/core/schemas';
import { eachOf } from '../json.ts';
import { type Camel, camel } from './answer.ts';
import { read } from './row.ts';

/**
 * A problem that an operator should fix. `docs/operate/health.md` explains all codes. The severity is `error` if jobs
 * are lost or blocked, or soon will be.
 */
export interface Finding extends Camel<answers.Finding> {}

export const doctorRows = {
  /**
   * Lists problems that exist or will come soon, the worst first, each with its remedy. Empty if nothing was found.
   */
  diagnose: () =>
    read({ operation: 'system.doctor' }, ({ findings }): Finding[] =>
      eachOf(findings, (item) => camel<answers.Finding>(item, 'code', 'message')),
    ),
};

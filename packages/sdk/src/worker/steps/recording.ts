import type { StepRow } from '@ojs-ts/core/durable';
import { claimOf } from '@ojs-ts/core/job';
import { compact } from '../../json.ts';
import type { Calls } from './calls.ts';
import { plain } from './codec.ts';
import type { StepsHost } from './host.ts';

/** By a name that all copies of this package share: the entry for transactions may be bundled apart. */
export const recordingKey = Symbol.for('ojs.step.recording');

/** The part of a step that its own database transaction can record. */
export class StepRecording {
  readonly #host: StepsHost;
  readonly #calls: Calls;
  /** The number of the row, once a transaction asked for it. Outcomes with higher numbers wait until it is settled. */
  number: number | undefined;
  readonly tries: number;
  /** Members of the row that stay. */
  readonly kept: Pick<StepRow, 'undo' | 'origin'>;
  readonly startedAt = Date.now();

  constructor(
    host: StepsHost,
    calls: Calls,
    tries: number,
    kept: { readonly undo: true | undefined; readonly origin: string | undefined },
  ) {
    this.#host = host;
    this.#calls = calls;
    this.tries = tries;
    this.kept = compact(kept);
  }

  get jobId(): string {
    return this.#host.jobId;
  }

  /** The fence; null if the server gave no lease. */
  get claim(): number | null {
    return claimOf(this.#host.leased.lease ?? '');
  }

  /** `skipped`: a test without a stored job, in which nothing is recorded. `apart`: a server without x-steps. */
  get storage(): 'server' | 'skipped' | 'apart' {
    return ({ suspend: 'server', skip: 'skipped', hold: 'apart' } as const)[this.#calls.waiting];
  }

  reserve(): number {
    this.number ??= this.#calls.reserveNumber();
    return this.number;
  }

  encode(value: unknown): Promise<unknown> {
    return this.#host.codec().encode(value);
  }

  /** True if values leave the process as they are. */
  get isPlain(): boolean {
    return this.#host.codec() === plain;
  }
}

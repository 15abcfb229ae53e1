import { loaded } from '../../client/lazy-code.ts';
import type { StepsHost } from './host.ts';
import type { StepsWorker, WorkerStepsOptions } from './parts.ts';
import type { Steps } from './steps.ts';
import type { StepWriter } from './writer.ts';

/** The longest patience with a job type whose handlers were suspended too early. Milliseconds. */
const maxSuspendAfterMs = 30_000;

/** The durable steps of the handlers of one worker. Their code is loaded with the first step. */
export class WorkerSteps implements StepsWorker {
  readonly options: WorkerStepsOptions;
  /** The writer that the jobs of this worker share. */
  writer: StepWriter | undefined;
  readonly #suspendAfterMs = new Map<string, number>();

  constructor(options: WorkerStepsOptions) {
    this.options = options;
  }

  async open(host: StepsHost): Promise<Steps> {
    const { openSteps } = await loaded(import('./open.ts'));
    return openSteps(this, host);
  }

  suspendAfterMs(jobType: string): number {
    return this.#suspendAfterMs.get(jobType) ?? this.options.suspendAfterMs;
  }

  /** The handler of a suspended job called something: the next jobs of its type get twice the time. */
  disturbed({ jobType, log }: StepsHost): void {
    const before = this.suspendAfterMs(jobType);
    const ms = Math.min(maxSuspendAfterMs, Math.max(1, before * 2));
    this.#suspendAfterMs.set(jobType, ms);
    const advice =
      ms === before ? 'This handler is unfit for waits: put its slow work into steps.' : 'Put slow work into steps.';
    log.warn(`suspended too early: the handler did something else beside its waits. ${advice}`, {
      suspend_after_ms: ms,
    });
  }
}

import {
  type Clock,
  changedCron,
  cronWarnings,
  decideFiring,
  decideTrigger,
  definitionOf,
  dueAfter,
  type JobRecord,
  type Json,
  type Millis,
  ProtocolError,
  readCron,
  scheduleOf,
  skippedEvent,
  uuidv7,
} from '@ojs-ts/core';
import type { CronRecord, Firing, Storage } from '../storage/storage.ts';
import type { EngineLog } from './options.ts';

/** Crons that one pass fires; if there are more, the next pass follows at once. */
const page = 100;
/** How often a trigger tries again if the schedule fires at the same time. */
const rounds = 5;
/** How many unfinished runs of one cron a firing reads, and cancels if its policy says so. */
const runs = 100;
/** ojs-cron §6.1: the server warns about more waiting runs of one cron. */
const manyQueued = 2;

/** The effect of a registration. */
export interface RegisteredCron {
  readonly created: boolean;
  readonly cron: CronRecord;
  /** Valid parts that are probably a mistake. */
  readonly warnings: readonly string[];
}

/**
 * Crons (ojs-cron). Any node may fire any of them: a firing compares the version that it was decided from, and inserts
 * its job in the same commit. So one tick makes one job, on any number of servers.
 */
export class Crons {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #unreadable = new Set<string>();

  constructor(storage: Storage, clock: Clock, log: EngineLog) {
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
  }

  list(): Promise<readonly CronRecord[]> {
    return this.#storage.crons.list();
  }

  /** Throws `not_found`. */
  async get(name: string): Promise<CronRecord> {
    return (await this.#storage.crons.get(name)) ?? notFound(name);
  }

  /** Registers or updates (ojs-cron CRON-26). An update restarts the schedule and keeps the past runs. */
  async register(text: Json, check: (enqueue: Json) => Promise<void>): Promise<RegisteredCron> {
    const now = this.#clock.now();
    const { name, definition, enabled, dueAt, spec } = readCron(text, now);
    await check(definition.enqueue);
    const warnings = cronWarnings(scheduleOf(definition));
    if (warnings.length > 0) this.#log.warn({ cron: name, warnings }, 'cron may not run as meant');
    return { ...must(await this.#storage.crons.put({ name, spec, enabled, dueAt }, now)), warnings };
  }

  /** Enables or disables. An enabled cron runs at its next time, not for those that it missed. */
  async enable(name: string, enabled: boolean): Promise<CronRecord> {
    return this.#changed(name, async (cron, now) => {
      const { spec } = cron;
      return cron.enabled === enabled
        ? null
        : { spec, enabled, dueAt: enabled ? dueAfter(definitionOf(spec), now) : null };
    });
  }

  /**
   * Members of the text replace those of the definition, a template as a whole; throws `not_found` for an unknown cron.
   */
  async change(name: string, text: Json, check: (enqueue: Json) => Promise<void>): Promise<CronRecord> {
    return this.#changed(name, async (cron, now) => {
      const { spec, enabled, dueAt, definition } = readCron(changedCron(cron, text), now);
      await check(definition.enqueue);
      return { spec, enabled, dueAt };
    });
  }

  /** Writes a change only if the cron has not changed since it was read; a change of null writes nothing. */
  async #changed(
    name: string,
    decide: (cron: CronRecord, now: Millis) => Promise<Pick<CronRecord, 'spec' | 'enabled' | 'dueAt'> | null>,
  ): Promise<CronRecord> {
    for (let round = 0; round < rounds; round++) {
      const cron = await this.get(name);
      const now = this.#clock.now();
      const next = await decide(cron, now);
      if (next === null) return cron;
      const put = await this.#storage.crons.put({ name, ...next }, now, cron.version);
      if (put !== null) return put.cron;
    }
    return throwChanged(name);
  }

  /** Deletes a cron. Its jobs stay. */
  async remove(name: string): Promise<CronRecord> {
    return (await this.#storage.crons.remove(name)) ?? notFound(name);
  }

  /**
   * Enqueues a run now, independent of the schedule and the overlap policy; returns the job's id.
   * @param id of the run, if the caller may repeat the call: a job with this id is the first call's.
   */
  async trigger(name: string, id: string | null = null): Promise<{ readonly cron: CronRecord; readonly job: string }> {
    for (let round = 0; round < rounds; round++) {
      const cron = await this.get(name);
      // Read after the cron: a firing between the two changes the version.
      if (id !== null && (await this.#storage.jobs.get([id]))[0]) return { cron, job: id };
      const now = this.#clock.now();
      const decided = decideTrigger(cron, definitionOf(cron.spec), now, () => id ?? uuidv7(this.#clock));
      const [fired] = await this.#storage.crons.fire([{ name, version: cron.version, ...decided }], now);
      if (!fired) continue;
      if (fired.inserted?.kind === 'duplicate') {
        const existing = fired.inserted.existing.id;
        throw new ProtocolError('duplicate', `Job ${existing} has the same unique key; nothing was enqueued.`, {
          existing_job_id: existing,
        });
      }
      return { cron: await this.get(name), job: decided.job?.id ?? '' };
    }
    return throwChanged(name);
  }

  /** Fires what is due. */
  async fireDue(): Promise<void> {
    for (;;) {
      const now = this.#clock.now();
      const due = await this.#storage.crons.due(now, page);
      if (due.length === 0) return;
      const unfinished = await this.#storage.crons.unfinished(
        due.map(({ name }) => name),
        runs,
      );
      const firings = due.flatMap((cron, index) => this.#decide(cron, unfinished[index] ?? [], now));
      const answers = await this.#storage.crons.fire(firings, now);
      await this.#recordSkipped(firings, due, answers, now);
      await this.#warnOfQueued(firings);
      if (firings.length < page) return;
    }
  }

  /**
   * A cron that this node cannot read, such as one in a zone that its runtime does not have, is left to other nodes and
   * does not block other crons.
   */
  #decide(cron: CronRecord, unfinished: readonly JobRecord[], now: number): readonly Firing[] {
    try {
      const decided = decideFiring(cron, definitionOf(cron.spec), unfinished, now, () => uuidv7(this.#clock));
      this.#unreadable.delete(cron.name);
      return [{ name: cron.name, version: cron.version, ...decided }];
    } catch (error) {
      if (!this.#unreadable.has(cron.name)) this.#log.error({ err: error, cron: cron.name }, 'cron not fired');
      this.#unreadable.add(cron.name);
      return [];
    }
  }

  /** A run that the job's own unique policy refused was skipped; its event says so. */
  async #recordSkipped(
    firings: readonly Firing[],
    due: readonly CronRecord[],
    answers: Awaited<ReturnType<Storage['crons']['fire']>>,
    now: number,
  ): Promise<void> {
    const events = firings.flatMap(({ name, job }, index) => {
      const inserted = answers[index]?.inserted;
      const cron = due.find((one) => one.name === name);
      if (inserted?.kind !== 'duplicate' || cron === undefined || job === null) return [];
      return [
        skippedEvent(cron.name, definitionOf(cron.spec), job, 'duplicate', { existing_job_id: inserted.existing.id }),
      ];
    });
    if (events.length > 0) await this.#storage.record(events, now);
  }

  async #warnOfQueued(firings: readonly Firing[]): Promise<void> {
    for (const { name, job } of firings) {
      if (job === null || !job.limits.some(({ key }) => key === `cron:${name}`)) continue;
      const limit = await this.#storage.registry.limit(`cron:${name}`);
      if (limit !== null && limit.waiting > manyQueued)
        this.#log.warn({ cron: name, queued: limit.waiting }, 'cron runs pile up');
    }
  }
}

function must<T>(put: T | null): T {
  if (put === null) throw new Error('A write without an expected version was refused.');
  return put;
}

function throwChanged(name: string): never {
  throw new ProtocolError(
    'backend_unavailable',
    'Other calls keep changing the cron; nothing was changed. Try again.',
    { name },
  );
}

function notFound(name: string): never {
  throw new ProtocolError('not_found', `There is no cron with the name ${name}.`, { name });
}

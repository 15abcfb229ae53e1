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

/** Crons that one pass fires; the next pass follows at once where there are more. */
const page = 100;
/** A trigger meets a firing of the schedule at most so often. */
const rounds = 5;
/** Unfinished runs of one cron that a firing looks at, and ends where its policy says so. */
const runs = 100;
/** ojs-cron §6.1: more runs of one cron that wait for each other are worth a warning. */
const manyQueued = 2;

/** What a registration has come to. */
export interface RegisteredCron {
  readonly created: boolean;
  readonly cron: CronRecord;
  /** What is valid but perhaps not meant. */
  readonly warnings: readonly string[];
}

/**
 * Crons (ojs-cron). Any node may fire any of them: a firing compares the version that it was decided from, and inserts
 * its job in the same commit, so one tick makes one job however many servers look.
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

  /** Registers or updates (ojs-cron CRON-26). An update begins its schedule anew and keeps what has run. */
  async register(text: Json, check: (enqueue: Json) => Promise<void>): Promise<RegisteredCron> {
    const now = this.#clock.now();
    const { name, definition, enabled, dueAt, spec } = readCron(text, now);
    await check(definition.enqueue);
    const warnings = cronWarnings(scheduleOf(definition));
    if (warnings.length > 0) this.#log.warn({ cron: name, warnings }, 'cron may not run as meant');
    return { ...must(await this.#storage.crons.put({ name, spec, enabled, dueAt }, now)), warnings };
  }

  /** Enables or disables; a cron that is enabled runs at its next time, not for those that it missed. */
  async enable(name: string, enabled: boolean): Promise<CronRecord> {
    return this.#changed(name, async (cron, now) => {
      const { spec } = cron;
      return cron.enabled === enabled
        ? null
        : { spec, enabled, dueAt: enabled ? dueAfter(definitionOf(spec), now) : null };
    });
  }

  /**
   * Fields of the text replace those of the definition, a template as a whole; throws `not_found` where there is none.
   */
  async change(name: string, text: Json, check: (enqueue: Json) => Promise<void>): Promise<CronRecord> {
    return this.#changed(name, async (cron, now) => {
      const { spec, enabled, dueAt, definition } = readCron(changedCron(cron, text), now);
      await check(definition.enqueue);
      return { spec, enabled, dueAt };
    });
  }

  /** What is decided from a cron is written only where that has not changed meanwhile; null leaves it as it is. */
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
    return tooQuick(name);
  }

  /** Jobs that it has enqueued stay. */
  async remove(name: string): Promise<CronRecord> {
    return (await this.#storage.crons.remove(name)) ?? notFound(name);
  }

  /**
   * Enqueues a run now, whatever the schedule and the overlap policy say; answers the job's id.
   * @param id of the run, where the caller may repeat the call: a job that has it already is what the first call
   * enqueued.
   */
  async trigger(name: string, id: string | null = null): Promise<{ readonly cron: CronRecord; readonly job: string }> {
    for (let round = 0; round < rounds; round++) {
      const cron = await this.get(name);
      // Read after the cron: a firing in between changes its version.
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
    return tooQuick(name);
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
      await this.#tellRefused(firings, due, answers, now);
      await this.#warnOfQueued(firings);
      if (firings.length < page) return;
    }
  }

  /**
   * A cron that this node cannot read, such as one in a zone that its runtime does not know, is left to others and
   * holds up nobody.
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

  /** A run that the job's own unique policy refused was skipped, and says so. */
  async #tellRefused(
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

function tooQuick(name: string): never {
  throw new ProtocolError('backend_unavailable', 'The cron is changing too quickly; nothing was changed.', { name });
}

function notFound(name: string): never {
  throw new ProtocolError('not_found', `There is no cron with the name ${name}.`, { name });
}

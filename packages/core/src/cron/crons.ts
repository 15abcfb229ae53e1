import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import { type StateName, stateName } from '../job/states.ts';
import { notFound } from '../not-found.ts';
import type { CommitAnswer } from '../records.ts';
import { type Answered, type Answering, ask, run, type Steps } from '../steps.ts';
import type { Jobs } from '../store/jobs.ts';
import type { Records } from '../store/records.ts';
import type { Clock, Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { uuidv7 } from '../uuid.ts';
import {
  type CronDefinition,
  changedCron,
  definitionOf,
  dueAfter,
  isActive,
  readCron,
  scheduleOf,
  switched,
} from './definition.ts';
import { decideFiring, decideTrigger, skippedEvent } from './firing.ts';
import { type CronRecord, CronRecords, type Firing } from './record.ts';
import { cronWarnings } from './schedule.ts';

/** The part of a store that crons use. */
export interface CronStore {
  readonly records: Answering<Records>;
  readonly jobs: Answering<Pick<Jobs, 'get' | 'runs'>>;
  readonly registry: { limit(key: string): Answered<{ readonly waiting: number } | null> };
}

export interface CronLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Crons that one pass fires; if there are more, the next pass follows at once. */
const page = 100;
/** How often a change tries again if the schedule fires at the same time. */
const rounds = 5;
/** How many unfinished runs of one cron a firing reads, and cancels if its policy says so. */
const runs = 100;
/** Servers whose clocks are right differ by less. */
const clockBoundMs = 60_000;
/** ojs-cron §6.1: the server warns about more waiting runs of one cron. */
const manyQueued = 2;

/** The effect of a registration. */
export interface RegisteredCron {
  readonly created: boolean;
  readonly cron: CronRecord;
  /** Valid parts that are probably a mistake. */
  readonly warnings: readonly string[];
}

export interface TriggeredCron {
  readonly cron: CronRecord;
  /** The job of the run. */
  readonly job: JobId;
}

type Change = Pick<CronRecord, 'spec' | 'enabled' | 'dueAt'>;

/** Refuses a request to enqueue that can never succeed. */
type Check = (enqueue: Json) => Answered<void>;

/**
 * Crons (ojs-cron). Any node may fire any of them: a firing compares the version that it was decided from, and inserts
 * its job in the same commit. So one tick makes one job, on any number of servers.
 */
export class Crons {
  readonly #store: CronStore;
  readonly #crons: CronRecords;
  readonly #clock: Clock;
  readonly #log: CronLog;
  readonly #unreadable = new Set<string>();

  constructor(store: CronStore, clock: Clock, log: CronLog) {
    this.#store = store;
    this.#crons = new CronRecords(store.records);
    this.#clock = clock;
    this.#log = log;
  }

  list(): Answered<readonly CronRecord[]> {
    return this.#crons.list();
  }

  find(name: string): Answered<CronRecord | null> {
    return this.#crons.get(name);
  }

  /** Throws `not_found`. */
  get(name: string): Answered<CronRecord> {
    return run(this.#get(name));
  }

  /** States of the jobs of last runs: null for a cron without one, and where the job is deleted. */
  lastStates(crons: readonly CronRecord[]): Answered<readonly (StateName | null)[]> {
    return run(this.#lastStates(crons));
  }

  *#lastStates(crons: readonly CronRecord[]): Steps<readonly (StateName | null)[]> {
    const ids = crons.flatMap(({ lastJob }) => lastJob ?? []);
    const jobs = ids.length === 0 ? [] : yield* ask(this.#store.jobs.get(ids));
    const states = new Map(jobs.flatMap((job) => (job === null ? [] : [[job.id, stateName(job.state)]])));
    return crons.map(({ lastJob }) => (lastJob === null ? null : (states.get(lastJob) ?? null)));
  }

  /**
   * Registers or updates (ojs-cron CRON-26). Applications register at every start, so an update keeps the past runs, an
   * operator's pause, and the next run if the schedule is the same. Without a difference nothing is written.
   */
  register(text: Json, check: Check): Answered<RegisteredCron> {
    return run(this.#register(text, check));
  }

  *#register(text: Json, check: Check): Steps<RegisteredCron> {
    const { name, definition } = readCron(text, this.#clock.now());
    yield* ask(check(definition.enqueue));
    const ofSchedule = cronWarnings(scheduleOf(definition));
    if (ofSchedule.length > 0) this.#log.warn({ cron: name, warnings: ofSchedule }, 'cron may not run as meant');
    for (;;) {
      const current = yield* ask(this.#crons.get(name));
      const now = this.#clock.now();
      const pausedAt = current === null ? null : definitionOf(current.spec).pausedAt;
      const next = changeTo({ ...definition, pausedAt }, current, now);
      const warnings = pausedAt === null ? ofSchedule : [...ofSchedule, pausedWarning(name, pausedAt)];
      if (current !== null && isSame(current, next)) return { created: false, cron: current, warnings };
      // A fleet that starts registers all at once: one of each round gets through.
      const put = yield* ask(this.#crons.put({ name, ...next }, now, current?.version ?? 0));
      if (put !== null) return { ...put, warnings };
    }
  }

  /** An operator's pause or resume. A resumed cron runs at its next time, not for those that it missed. */
  enable(name: string, enabled: boolean): Answered<CronRecord> {
    return run(
      this.#changed(name, (cron, now) => {
        const definition = definitionOf(cron.spec);
        return changeTo({ ...definition, ...switched(definition, enabled, now) }, cron, now);
      }),
    );
  }

  /**
   * Members of the text replace those of the definition, a template as a whole; throws `not_found` for an unknown cron.
   * @param enabled an operator's pause or resume; null changes neither
   */
  change(name: string, text: Json, enabled: boolean | null, check: Check): Answered<CronRecord> {
    return run(
      this.#changed(
        name,
        (cron, now) => {
          const { definition } = readCron(changedCron(cron, text), now);
          const switches = { ...definition, pausedAt: definitionOf(cron.spec).pausedAt };
          const { enabled: on, pausedAt } = enabled === null ? switches : switched(switches, enabled, now);
          return changeTo({ ...definition, enabled: on, pausedAt }, cron, now);
        },
        check,
      ),
    );
  }

  /** Writes a change only if the cron has not changed since it was read, and nothing where nothing differs. */
  *#changed(
    name: string,
    decide: (cron: CronRecord, now: Millis) => Change,
    check: Check = () => {},
  ): Steps<CronRecord> {
    for (let round = 0; round < rounds; round++) {
      const cron = yield* this.#get(name);
      const now = this.#clock.now();
      const next = decide(cron, now);
      if (isSame(cron, next)) return cron;
      yield* ask(check(definitionOf(next.spec).enqueue));
      const put = yield* ask(this.#crons.put({ name, ...next }, now, cron.version));
      if (put !== null) return put.cron;
    }
    return throwChanged(name);
  }

  /** Deletes a cron. Its jobs stay. */
  remove(name: string): Answered<CronRecord> {
    return run(this.#remove(name));
  }

  *#remove(name: string): Steps<CronRecord> {
    return (yield* ask(this.#crons.remove(name))) ?? (yield* this.#missing(name));
  }

  *#get(name: string): Steps<CronRecord> {
    return (yield* ask(this.#crons.get(name))) ?? (yield* this.#missing(name));
  }

  *#missing(name: string): Steps<never> {
    throw notFound('cron job', name, yield* ask(this.#crons.someNames()));
  }

  /**
   * Enqueues a run now, independent of the schedule and the overlap policy; returns the job's id.
   * @param id of the run, if the caller may repeat the call: a job with this id is the first call's.
   */
  trigger(name: string, id: string | null = null): Answered<TriggeredCron> {
    return run(this.#trigger(name, id));
  }

  *#trigger(name: string, id: string | null): Steps<TriggeredCron> {
    for (let round = 0; round < rounds; round++) {
      const cron = yield* this.#get(name);
      // Read after the cron: a firing between the two changes the version.
      if (id !== null && (yield* ask(this.#store.jobs.get([id])))[0]) return { cron, job: id };
      const now = this.#clock.now();
      const decided = decideTrigger(cron, definitionOf(cron.spec), now, () => id ?? uuidv7(this.#clock));
      const [answer = false] = yield* ask(this.#crons.fire([{ cron, ...decided }], now));
      if (answer === false) continue;
      if (answer !== true && answer.kind === 'duplicate') {
        const existing = answer.existing.id;
        throw new ProtocolError('duplicate', `Job ${existing} has the same unique key; nothing was enqueued.`, {
          existing_job_id: existing,
        });
      }
      return { cron: yield* this.#get(name), job: decided.job?.id ?? '' };
    }
    return throwChanged(name);
  }

  /** Fires what is due. */
  fireDue(): Answered<void> {
    return run(this.#fireDue());
  }

  *#fireDue(): Steps<void> {
    for (;;) {
      const now = this.#clock.now();
      const due = yield* ask(this.#crons.due(now, page));
      if (due.length === 0) return;
      const unfinished = yield* ask(
        this.#store.jobs.runs(
          due.map(({ name }) => name),
          runs,
        ),
      );
      const firings = due.flatMap((cron, index) => this.#decide(cron, unfinished[index] ?? [], now));
      const answers = yield* ask(this.#crons.fire(firings, now));
      yield* this.#skipRefused(firings, answers, now);
      yield* this.#warnOfQueued(firings);
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
      return [{ cron, ...decided }];
    } catch (error) {
      if (!this.#unreadable.has(cron.name)) this.#log.error({ err: error, cron: cron.name }, 'cron not fired');
      this.#unreadable.add(cron.name);
      return [];
    }
  }

  /**
   * Moves due times forward that were calculated from a wrong time, after the clock was set back: a cron would not run
   * until then, though for a minute at most after it last ran. In right time none is changed.
   */
  reckon(): Answered<void> {
    return run(this.#reckon());
  }

  *#reckon(): Steps<void> {
    for (const { name } of yield* ask(this.#crons.list())) {
      try {
        yield* this.#changed(name, (cron, now) => {
          const { spec, enabled, dueAt } = cron;
          const due = dueAt === null ? null : changeTo(definitionOf(spec), cron, now).dueAt;
          if (due !== dueAt && due !== null)
            this.#log.warn({ cron: name, due_at: new Date(due).toISOString() }, 'cron reckoned anew');
          return { spec, enabled, dueAt: due };
        });
      } catch (error) {
        this.#log.error({ err: error, cron: name }, 'cron not reckoned');
      }
    }
  }

  /** A run that the job's own unique policy refused is skipped, and says so. */
  *#skipRefused(firings: readonly Firing[], answers: readonly CommitAnswer[], now: number): Steps<void> {
    const skipped = firings.flatMap(({ cron, dueAt, job }, index) => {
      const answer = answers[index];
      if (typeof answer !== 'object' || answer.kind !== 'duplicate' || job === null) return [];
      const more = { existing_job_id: answer.existing.id };
      const event = skippedEvent(cron.name, definitionOf(cron.spec), job, 'duplicate', more);
      return [{ cron, dueAt, job: null, cancels: [], events: [event] }];
    });
    if (skipped.length > 0) yield* ask(this.#crons.fire(skipped, now));
  }

  *#warnOfQueued(firings: readonly Firing[]): Steps<void> {
    for (const { cron, job } of firings) {
      const { name } = cron;
      if (job === null || !job.limits.some(({ key }) => key === `cron:${name}`)) continue;
      const limit = yield* ask(this.#store.registry.limit(`cron:${name}`));
      if (limit !== null && limit.waiting > manyQueued)
        this.#log.warn({ cron: name, queued: limit.waiting }, 'cron runs pile up');
    }
  }
}

/** Applies this definition to a cron. */
function changeTo(definition: CronDefinition, cron: CronRecord | null, now: Millis): Change {
  const enabled = isActive(definition);
  return { spec: JSON.stringify(definition), enabled, dueAt: enabled ? nextDue(definition, cron, now) : null };
}

function isSame(cron: CronRecord, next: Change): boolean {
  return cron.spec === next.spec && cron.enabled === next.enabled && cron.dueAt === next.dueAt;
}

/**
 * The next run. A cron that runs already keeps it while its schedule is the same: applications register at their start,
 * so `@every 4h` would never run if each start of the last four hours began it again. A run that they missed while they
 * were down stays due.
 *
 * The clock of this server may be behind that of the server that fired last: a time that has fired does not fire again.
 * A time later than {@link clockBoundMs} after the right one comes from a wrong clock.
 */
function nextDue(definition: CronDefinition, cron: CronRecord | null, now: Millis): Millis | null {
  const ranAt = cron?.lastRunAt ?? now;
  const after = ranAt > now + clockBoundMs ? now : Math.max(now, ranAt);
  const anew = dueAfter(definition, after);
  if (cron?.enabled !== true || cron.dueAt === null || !isScheduledBy(cron, definition)) return anew;
  return anew !== null && anew + clockBoundMs < cron.dueAt ? anew : cron.dueAt;
}

function isScheduledBy(cron: CronRecord, { expression, timezone }: CronDefinition): boolean {
  const current = definitionOf(cron.spec);
  return current.expression === expression && current.timezone === timezone;
}

function pausedWarning(name: string, pausedAt: Millis): string {
  return `does not run: it was paused at ${formatTimestamp(pausedAt)}. To resume it: ojs cron resume ${name}`;
}

function throwChanged(name: string): never {
  throw new ProtocolError(
    'backend_unavailable',
    `Other calls keep changing the cron job ${name}; nothing was changed. Try again.`,
    { name },
  );
}

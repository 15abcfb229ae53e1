import type { Storage } from '../../storage.ts';
import { StoreUnavailable } from '../../unavailable.ts';
import type { Namespace } from '../namespace.ts';
import { allSettled } from './fan-out.ts';
import type { Shards } from './shards.ts';

/** Events of one import: about 1 ms of the home's time. */
const page = 1_000;

/**
 * One event log of all shards. Each shard writes its own log in the commit of the change. A read or a prune first takes
 * the others' batches into the log of the home, where an event gets its position. The same script of the home notes how
 * far it has taken each log. So an event is taken once, in the order of its shard, and a reader that has seen a
 * position never meets a smaller one later.
 */
export class MergedLog {
  readonly #shards: Shards;
  readonly #logged: boolean;
  /** How far each log was taken, as far as this process knows. */
  readonly #taken = new Map<string, number>();

  constructor(shards: Shards, logged: boolean) {
    this.#shards = shards;
    this.#logged = logged;
  }

  /**
   * After the call the home's log has every event that was written before the call, but for those of namespaces that
   * are away: they follow when those are back.
   */
  async collect(): Promise<void> {
    if (!this.#logged) return;
    const [home, ...others] = this.#shards.all;
    await this.#shards.work(() => allSettled(others.map((shard) => this.#take(home, shard).catch(unlessAway))));
  }

  async events(...range: Parameters<Storage['events']>): ReturnType<Storage['events']> {
    await this.collect();
    return this.#shards.home.events(...range);
  }

  async eventsBefore(...range: Parameters<Storage['eventsBefore']>): ReturnType<Storage['eventsBefore']> {
    await this.collect();
    return this.#shards.home.eventsBefore(...range);
  }

  /** After the events of what this caller has done before. */
  async record(events: readonly string[], now: number): Promise<void> {
    if (events.length === 0) return;
    await this.collect();
    await this.#shards.home.record(events, now);
  }

  forget(): void {
    this.#taken.clear();
  }

  async #take(home: Namespace, shard: Namespace): Promise<void> {
    let until: number | null = null;
    for (;;) {
      const from = this.#taken.get(shard.name) ?? 0;
      const { batches, newest } = await shard.events(from, page);
      until ??= newest;
      const last = batches.at(-1);
      // A log that is shorter than what was taken of it was cleared, and all that it has is new.
      const to = last ? last.position + last.count - 1 : newest < from ? 0 : from;
      if (to === from) return;
      const taken = await home.importLog({ source: shard.name, from, to, batches });
      this.#taken.set(shard.name, taken);
      if (taken === to) await shard.trimLog(to);
      if (taken === to && to >= until) return;
    }
  }
}

function unlessAway(error: unknown): void {
  if (!(error instanceof StoreUnavailable)) throw error;
}

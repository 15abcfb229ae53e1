import { StoreUnavailable } from '../../unavailable.ts';
import { mapHasChanged, type QueueMap, unfinishedRestore } from '../connection/queue-map.ts';
import type { Namespace, NamespaceUse } from '../namespace.ts';
import { allSettled } from './fan-out.ts';

/** The namespaces of one store. */
export class Shards {
  readonly map: QueueMap;
  readonly home: Namespace;
  readonly #all: readonly [Namespace, ...Namespace[]];
  readonly #inFlight = new Set<Promise<unknown>>();
  /** By place: what a namespace has said last, or why it did not. */
  readonly #uses: (NamespaceUse | Error)[] = [];
  readonly #asking = new Map<number, Promise<void>>();
  #hasAsked = false;

  constructor(map: QueueMap, open: (name: string) => Namespace) {
    const [home, ...others] = map.namespaces;
    this.map = map;
    this.home = open(home);
    this.#all = [this.home, ...others.map(open)];
  }

  get all(): readonly [Namespace, ...Namespace[]] {
    return this.#all;
  }

  at(place: number): Namespace {
    return this.all[place] ?? this.home;
  }

  of(queue: string): Namespace {
    return this.at(this.map.indexOf(queue));
  }

  each<T>(run: (shard: Namespace, place: number) => Promise<T>): Promise<readonly T[]> {
    return allSettled(this.all.map(run));
  }

  /**
   * The answers by place, undefined of a namespace that is away; `away` is why the first one is, else null.
   * @throws where all are away, and any other error.
   */
  async answering<T>(
    run: (shard: Namespace, place: number) => Promise<T>,
  ): Promise<{ readonly found: readonly (T | undefined)[]; readonly away: StoreUnavailable | null }> {
    const answers = await Promise.allSettled(this.all.map(run));
    const errors = answers.flatMap((answer): unknown[] => (answer.status === 'rejected' ? [answer.reason] : []));
    const away = errors.filter((error) => error instanceof StoreUnavailable);
    const [other] = errors.filter((error) => !(error instanceof StoreUnavailable));
    if (other !== undefined) throw other;
    const [first = null] = away;
    if (first !== null && away.length === answers.length) throw first;
    return { found: answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : undefined)), away: first };
  }

  /** The answers of the namespaces that are not away, in their order. */
  async present<T>(run: (shard: Namespace, place: number) => Promise<T>): Promise<readonly T[]> {
    const { found } = await this.answering(async (shard, place) => [await run(shard, place)]);
    return found.flatMap((answer) => answer ?? []);
  }

  /** Runs something of several steps; {@link close} waits for it. */
  async work<T>(run: () => Promise<T>): Promise<T> {
    const working = run();
    this.#inFlight.add(working);
    try {
      return await working;
    } finally {
      this.#inFlight.delete(working);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
    for (const shard of this.#all) await shard[Symbol.asyncDispose]();
  }

  /**
   * Asks what each namespace says of its use, once a second. Refuses every call once another server was started with
   * another map: this one would put jobs where no worker looks for them. So it does while a restore has filled a part
   * of the namespaces. Calls to a namespace that does not answer are refused at once, so that no caller waits for it.
   * @throws StoreUnavailable if the home does not answer.
   */
  async checkUse(): Promise<void> {
    const asked = this.#all.map((shard, place) => this.#ask(shard, place));
    // Later only the home is waited for: a namespace that is away must not delay the clock.
    await (this.#hasAsked ? asked[0] : Promise.all(asked));
    this.#hasAsked = true;
    const [home] = this.#uses;
    const restored = this.#uses.findIndex((use) => isUse(use) && use.restoring);
    const map = isUse(home) ? home.map : null;
    // A store that was emptied has none.
    const others = map === null || map === this.map.text ? null : mapHasChanged;
    const reason = restored < 0 ? others : unfinishedRestore(this.map.namespaces[restored] ?? '');
    for (const [place, shard] of this.#all.entries()) {
      const use = this.#uses[place];
      shard.suspend(reason ?? (isUse(use) || use === undefined ? null : use.message));
    }
    if (!isUse(home) && home !== undefined) throw home;
  }

  /** Namespaces that did not answer when they were asked last. */
  get away(): readonly string[] {
    return this.#all.filter((_, place) => this.#uses[place] instanceof Error).map(({ name }) => name);
  }

  /**
   * Before a write to several namespaces: a batch that fails in one of them is repeated in parts, and a job that the
   * others have taken by then would be refused as a duplicate.
   * @throws StoreUnavailable if one of the namespaces is away.
   */
  require(places: readonly number[]): void {
    for (const place of places) {
      const use = this.#uses[place];
      if (use instanceof Error) throw new StoreUnavailable(use.message);
    }
  }

  #ask(shard: Namespace, place: number): Promise<void> {
    const asking = this.#asking.get(place);
    if (asking) return asking;
    const ask = shard
      .use()
      .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
      .then((use) => {
        this.#uses[place] = use;
        this.#asking.delete(place);
      });
    this.#asking.set(place, ask);
    return ask;
  }
}

function isUse(use: NamespaceUse | Error | undefined): use is NamespaceUse {
  return use !== undefined && !(use instanceof Error);
}

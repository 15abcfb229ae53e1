import type { Kind } from '../namespace.ts';
import { fanOut } from './fan-out.ts';
import type { Shards } from './shards.ts';

/** Names that are remembered, about 10 MB. */
const remembered = 100_000;

/**
 * In which shard a job, workflow, cron or limit is. A place that was seen is a hint: an item that is not there is
 * looked up again.
 */
export class Locations {
  readonly #shards: Shards;
  readonly #kind: Kind;
  readonly #hints = new Map<string, number>();

  constructor(shards: Shards, kind: Kind) {
    this.#shards = shards;
    this.#kind = kind;
  }

  note(name: string, place: number): void {
    if (this.#hints.size >= remembered) {
      for (const oldest of this.#hints.keys()) {
        this.#hints.delete(oldest);
        if (this.#hints.size < remembered / 2) break;
      }
    }
    this.#hints.set(name, place);
  }

  forget(name: string): void {
    this.#hints.delete(name);
  }

  /**
   * The place of each, null for none; a place from a hint may be outdated.
   * @param lenient answers null for a name that may be in a namespace that is away; else that throws.
   */
  async guess(names: readonly string[], lenient = false): Promise<readonly (number | null)[]> {
    if (this.#shards.all.length === 1) return names.map(() => 0);
    const unknown = [...new Set(names)].filter((name) => !this.#hints.has(name));
    const found = await this.find(unknown, lenient);
    const places = new Map(unknown.map((name, at) => [name, found[at] ?? null]));
    return names.map((name) => this.#hints.get(name) ?? places.get(name) ?? null);
  }

  /**
   * The place of each as the shards say now; of several the first.
   * @throws StoreUnavailable for a name that may be in a namespace that is away, unless `lenient`.
   */
  async find(names: readonly string[], lenient = false): Promise<readonly (number | null)[]> {
    if (names.length === 0) return [];
    const { found, away } = await this.#shards.answering((shard) => shard.exists(this.#kind, names));
    const places = names.map((_, at) => {
      const place = found.findIndex((present) => present?.[at]);
      return place < 0 ? null : place;
    });
    if (away !== null && !lenient && places.includes(null)) throw away;
    return places;
  }

  /**
   * Runs each item in the shard of what it names. A shard that does not have it was an outdated hint.
   * @param missing the answer for an item of no shard; a shard answers one that `isMissing` accepts.
   */
  run<In, Out>(
    items: readonly In[],
    nameOf: (item: In) => string,
    run: (place: number, items: readonly In[]) => Promise<readonly Out[]>,
    missing: Out,
    isMissing: (answer: Out) => boolean,
  ): Promise<readonly Out[]> {
    return this.#shards.work(() => this.#run(items, nameOf, run, missing, isMissing));
  }

  async #run<In, Out>(
    items: readonly In[],
    nameOf: (item: In) => string,
    run: (place: number, items: readonly In[]) => Promise<readonly Out[]>,
    missing: Out,
    isMissing: (answer: Out) => boolean,
  ): Promise<readonly Out[]> {
    const places = await this.guess(items.map(nameOf));
    const answers = await fanOut(items, places, run, missing);
    const doubtful = items.flatMap((item, at) => {
      const answer = answers[at];
      return answer !== undefined && isMissing(answer) && this.#hints.has(nameOf(item))
        ? [{ item, at, place: places[at] }]
        : [];
    });
    if (doubtful.length === 0) return answers;
    for (const { item } of doubtful) this.forget(nameOf(item));
    const found = await this.find(doubtful.map(({ item }) => nameOf(item)));
    const moved = doubtful.flatMap(({ item, at, place }, index) => {
      const now = found[index] ?? null;
      return now === null || now === place ? [] : [{ item, at, place: now }];
    });
    const again = await fanOut(
      moved.map(({ item }) => item),
      moved.map(({ place }) => place),
      run,
      missing,
    );
    const later = new Map(moved.map(({ at }, index) => [at, again[index] ?? missing]));
    return answers.map((answer, at) => later.get(at) ?? answer);
  }
}

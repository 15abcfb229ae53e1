import type { Backup, DumpRecord } from '../../storage.ts';
import { Channel } from './channel.ts';
import type { MergedLog } from './merged-log.ts';
import { RestoreRouting } from './restore-routing.ts';
import type { Shards } from './shards.ts';

/** Kinds of records in the order of a dump; those of one line may mix. */
const phases: readonly (readonly DumpRecord['kind'][])[] = [
  ['store'],
  ['queue'],
  ['limit', 'starts'],
  ['workflow', 'node', 'job'],
  ['record'],
  ['minute'],
  ['worker'],
  ['request'],
  ['events'],
];
/** Kinds that only the home dumps. */
const homes: ReadonlySet<DumpRecord['kind']> = new Set(['store', 'worker', 'events']);
const pageSize = 100;

export function backup(shards: Shards, log: MergedLog): Backup {
  return {
    async *dump() {
      await log.collect();
      const readers = shards.all.map((shard, place) => new Reader(shard.backup.dump(), place, shards.all.length));
      const requests = new Set<string>();
      for (const kinds of phases) {
        for (const reader of readers) {
          for await (const page of reader.read(kinds)) {
            const own = page.filter((one) => !(one.kind === 'request' && requests.has(one.record.key)));
            for (const one of own) if (one.kind === 'request') requests.add(one.record.key);
            if (own.length > 0) yield own;
          }
        }
      }
    },

    async restore(pages) {
      const routes = new RestoreRouting(shards.map, await shards.home.clock());
      const channels = shards.all.map(() => new Channel<readonly DumpRecord[]>());
      const restores = shards.all.map((shard, place) => shard.backup.restore(channels[place] ?? pages));
      const broken = Promise.all(restores);
      const give = async (placed: ReturnType<RestoreRouting['end']>) => {
        for (const [place, channel] of channels.entries()) {
          const own = placed.filter((one) => one.place === place).map(({ record }) => record);
          if (own.length > 0) await Promise.race([channel.give(own), broken]);
        }
      };
      try {
        for await (const page of pages) await give(page.flatMap((record) => routes.take(record)));
        await give(routes.end());
        for (const channel of channels) channel.end();
        await broken;
      } catch (error) {
        for (const channel of channels) channel.fail(error);
        await Promise.allSettled(restores);
        throw error;
      }
    },
  };
}

/** The dump of one shard, some kinds after the others. */
class Reader {
  readonly #pages: AsyncIterator<readonly DumpRecord[]>;
  readonly #place: number;
  readonly #count: number;
  #records: readonly DumpRecord[] = [];

  constructor(pages: AsyncIterable<readonly DumpRecord[]>, place: number, count: number) {
    this.#pages = pages[Symbol.asyncIterator]();
    this.#place = place;
    this.#count = count;
  }

  async *read(kinds: readonly DumpRecord['kind'][]): AsyncGenerator<readonly DumpRecord[]> {
    for (;;) {
      const end = this.#records.findIndex(({ kind }) => !kinds.includes(kind));
      const own = end < 0 ? this.#records : this.#records.slice(0, end);
      for (let at = 0; at < own.length; at += pageSize) yield this.#contributed(own.slice(at, at + pageSize));
      this.#records = end < 0 ? [] : this.#records.slice(end);
      if (end >= 0) return;
      const { done, value } = await this.#pages.next();
      if (done) return;
      this.#records = value;
    }
  }

  #contributed(records: readonly DumpRecord[]): readonly DumpRecord[] {
    return records.filter(({ kind }) => this.#place === 0 || !homes.has(kind)).map((one) => this.#numbered(one));
  }

  /** Numbers and places of each shard begin at 1; spread with gaps they are unique in the whole store. */
  #numbered(one: DumpRecord): DumpRecord {
    const spread = (number: number) => number * this.#count + this.#place;
    if (one.kind === 'workflow')
      return { kind: 'workflow', record: { ...one.record, number: spread(one.record.number) } };
    if (one.kind !== 'job') return one;
    const { number, place, job } = one.record;
    return { kind: 'job', record: { number: spread(number), place: place === null ? null : spread(place), job } };
  }
}

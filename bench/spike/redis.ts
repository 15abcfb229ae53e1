import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Redis as Connection } from 'ioredis';
import type { Claim, Claimed, EventBatch, Inserted, Moved, NewJob, Ready, Store, Transition } from './contract.ts';

const scripts = ['insert', 'claim', 'transition'] as const;
type Script = (typeof scripts)[number];

/** One hash tag for the namespace: every key of a script is in one slot, on a cluster too. */
const prefix = '{spike}:';

export class Redis implements Store {
  readonly name = 'redis';
  readonly connections: readonly Connection[];
  #next = 0;
  readonly #scripts = new Map<Script, { readonly text: string; readonly sha: string }>();

  constructor(port: number, connections: number) {
    this.connections = Array.from({ length: connections }, () => new Connection(port, '127.0.0.1'));
  }

  async load(): Promise<void> {
    const read = (name: string) => readFile(new URL(`lua/${name}.lua`, import.meta.url), 'utf8');
    const common = await read('common');
    for (const name of scripts) {
      const text = `${common}\n${await read(name)}`;
      this.#scripts.set(name, { text, sha: createHash('sha1').update(text).digest('hex') });
    }
  }

  async insert(jobs: readonly NewJob[], now: number): Promise<readonly Inserted[]> {
    const args: (string | number)[] = [];
    for (const { id, queue, priority, createdAt, envelope, unique, limits, node } of jobs) {
      args.push(id, queue, priority, createdAt, envelope);
      if (unique === null) args.push('', '', '', '');
      else args.push(unique.key, unique.states, unique.createdAfter ?? '', unique.onConflict === 'replace' ? '1' : '');
      args.push(node?.workflow ?? '', node?.index ?? '', limits.length);
      for (const { key, concurrency, rate } of limits) args.push(key, concurrency ?? '', rate?.count ?? '', rate?.perMs ?? '');
    }
    const reply = await this.run('insert', [now, ...args]);
    return jobs.map((_, i): Inserted => {
      const [kind, existing, replaced, ready] = reply.slice(i * 4, i * 4 + 4).map(String);
      if (kind === 'duplicate') return { kind, existing: existing ?? '' };
      if (kind === 'already') return { kind };
      return { kind: 'inserted', replaced: list(replaced), ready: readyOf(ready) };
    });
  }

  async claim(claims: readonly Claim[], now: number): Promise<readonly (readonly Claimed[])[]> {
    const out: Claimed[][] = [];
    for (const { queues, limit, worker, leaseMs } of claims) {
      const got: Claimed[] = [];
      for (const queue of queues) {
        if (got.length === limit) break;
        const reply = await this.run('claim', [now, queue, limit - got.length, now + leaseMs, worker]);
        for (let i = 0; i < reply.length; i += 7) {
          const [id = '', claim, startedAt, lane = '', workflow = '', index, envelope = ''] = reply.slice(i, i + 7).map(String);
          got.push({
            id,
            claim: Number(claim),
            startedAt: Number(startedAt),
            limits: lane === '' ? [] : lane.split('\x1f'),
            node: workflow === '' ? null : { workflow, index: Number(index) },
            envelope,
          });
        }
      }
      out.push(got);
    }
    return out;
  }

  async transition(transitions: readonly Transition[], now: number): Promise<readonly Moved[]> {
    const reply = await this.run('transition', [now, ...transitions.flatMap(({ id, from, claim, to }) => [id, from, claim ?? '', to])]);
    return transitions.map((_, i): Moved => {
      const [kind, was, ready] = reply.slice(i * 3, i * 3 + 3);
      if (kind === 'moved') return { kind, was: was as 8, ready: readyOf(String(ready)) };
      return { kind: kind as 'already' | 'refused' | 'missing' };
    });
  }

  async createWorkflow(id: string, after: readonly (readonly number[])[]): Promise<void> {
    const next = after.map((): number[] => []);
    after.forEach((before, index) => {
      for (const one of before) next[one]?.push(index);
    });
    const fields = after.flatMap((before, index) => [`open:${index}`, before.length, `next:${index}`, next[index]?.join(',') ?? '']);
    await this.connection().hset(`${prefix}f:${id}`, ...fields);
  }

  async events(after: number, limit: number): Promise<readonly EventBatch[]> {
    const rows = await this.connection().zrangebyscore(`${prefix}log`, `(${after}`, '+inf', 'LIMIT', 0, limit);
    return rows.map((row) => {
      const [position, kind, , ids = ''] = row.split('|');
      return { position: Number(position), kind: kind as EventBatch['kind'], ids: list(ids) };
    });
  }

  async counts(): Promise<ReadonlyMap<number, number>> {
    const all = Object.entries(await this.connection().hgetall(`${prefix}count`));
    return new Map(all.map(([state, count]): [number, number] => [Number(state), Number(count)]).filter(([, count]) => count !== 0));
  }

  async slots(): Promise<number> {
    const keys = await this.connection().keys(`${prefix}slot:*`);
    const sizes = await Promise.all(keys.map((key) => this.connection().scard(key)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async clear(): Promise<void> {
    await this.connection().flushall();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.quit()));
  }

  private connection(): Connection {
    this.#next = (this.#next + 1) % this.connections.length;
    return this.connections[this.#next] as Connection;
  }

  private async run(name: Script, args: (string | number)[]): Promise<unknown[]> {
    const script = this.#scripts.get(name);
    if (!script) throw new Error(`script ${name} is not loaded`);
    const connection = this.connection();
    try {
      return (await connection.evalsha(script.sha, 1, prefix, ...args)) as unknown[];
    } catch (error) {
      // A restart or a failover empties the script cache. NOSCRIPT means that nothing ran.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return (await connection.eval(script.text, 1, prefix, ...args)) as unknown[];
    }
  }
}

function list(text: string | undefined): readonly string[] {
  return text ? text.split(',') : [];
}

function readyOf(text: string | undefined): readonly Ready[] {
  return list(text).map((one) => {
    const [workflow = '', index, failed] = one.split(':');
    return { workflow, index: Number(index), failed: Number(failed) };
  });
}

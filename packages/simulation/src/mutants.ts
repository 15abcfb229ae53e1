import type { Mutation } from '../../../conformance/mutations/mutation.ts';

/** A bug of the kind that queues have, and why a simulation should see it. */
export interface Mutant extends Omit<Mutation, 'rule' | 'cases'> {
  readonly breaks: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'no-fence',
    breaks: 'the ack of an earlier claim is taken',
    in: 'core: verdict',
    find: 'if (!fits || (claim === undefined ? job.leaseRequired : claim !== job.claim))',
    replace: 'if (!fits)',
  },
  {
    name: 'ack-becomes-nack',
    breaks: 'an ack whose answer was lost is sent again as a failure',
    in: 'sdk: Delivery.later',
    find: 'leased.failures++;',
    replace:
      "leased.failures++; if (leased.outcome === 'ack') { leased.outcome = 'nack'; leased.entry = nackEntry(leased, { failure: { code: 'timeout', type: 'timeout', message: 'lost', retryable: true } }); }",
  },
  {
    name: 'claim-reset',
    breaks: 'a retry sets the counter of claims back',
    in: 'core: moved',
    find: 'attempt: transition.attempt ?? job.attempt,',
    replace: 'attempt: transition.attempt ?? job.attempt, ...(to === State.retryable && { claim: 0 }),',
  },
  {
    name: 'no-finish',
    breaks: 'what follows the end of a job is lost with the server that has to do it',
    in: 'server/engine: Engine',
    find: "{ name: 'workflows', everyMs: 1_000, run: () => workflows.finish() },",
    replace: '',
  },
  {
    name: 'stale-loss',
    breaks: 'a lost lease is decided from an old record, without the guard of its claim',
    in: 'core: move',
    find: 'claim: job.claim,',
    replace: '',
  },
  {
    name: 'no-repeat',
    breaks: 'a repeated fetch is not recognised: the jobs of a lost answer come back only when somebody misses them',
    in: 'server/memory: claim',
    find: 'repeat(tables, claim, budget) ?? serve(',
    replace: 'serve(',
  },
  {
    name: 'never-forgotten',
    breaks: 'nobody misses a job that no heartbeat lists',
    in: 'core: liveness',
    find: "? 'forgotten'",
    replace: "? 'alive'",
  },
  {
    name: 'open-fetch-lost',
    breaks: 'heartbeats take back the jobs of a fetch whose answer is slow on its way',
    in: 'server/open-fetches: beat',
    find: '[...claims.take(openFetches.length)].flat()',
    replace: '([...claims.take(openFetches.length)], [])',
  },
  {
    name: 'silence-without-since',
    breaks: 'the silence of workers counts while the servers were unreachable',
    in: 'core: deadAt',
    find: 'Math.max(seenAt, since) + deadAfterMs',
    replace: 'seenAt + deadAfterMs',
  },
  {
    name: 'limit-once',
    breaks: 'a claim does not look at the limit for its second job on',
    in: 'server/memory: serve',
    find: '(queueLimit?.hasRoom(now, queue.count(State.active)) ?? true)',
    replace: '(jobs.length > 0 || (queueLimit?.hasRoom(now, queue.count(State.active)) ?? true))',
  },
  {
    name: 'unique-freed-early',
    breaks: 'a retryable job no longer holds its unique key',
    in: 'core: uniqueAnswer',
    find: 'isIn(job.state, states) &&',
    replace: 'isIn(job.state, states) && job.state !== State.retryable &&',
  },
  {
    name: 'settled-twice',
    breaks: 'a repeated ack is refused, though the first took effect',
    in: 'core: verdict',
    find: "if (!fits && claim !== undefined && claim === job.claim && job.state === to) return 'already';",
    replace: '',
  },
  {
    name: 'no-promotion',
    breaks: 'jobs that are due wait for the next claim',
    in: 'server/engine: Upkeep.start',
    find: 'await this.promote();\n      await this.settleOverdue();\n      this.#seen',
    replace: 'await this.settleOverdue();\n      this.#seen',
  },
  {
    name: 'no-overdue',
    breaks: 'leases never end',
    in: 'server/engine: Upkeep.start',
    find: 'await this.settleOverdue();\n      this.#seen',
    replace: 'this.#seen',
  },
  {
    name: 'no-liveness',
    breaks: 'nobody looks for dead workers',
    in: 'server/engine: Upkeep.start',
    find: "every('liveness', 2_000, () => this.#led('liveness', 6_000, () => this.settleLiveness()));",
    replace: '',
  },
  {
    name: 'heartbeat-of-anyone',
    breaks: 'a heartbeat renews a claim that is not its own any more',
    in: 'core: extended',
    find: 'Math.max(job.leaseUntil ?? 0, now + Math.max(leaseMs ?? 0, job.leaseMs ?? 0))',
    replace: 'now',
  },
  {
    name: 'lost-wake-up',
    breaks: 'a waiting fetch hears nothing of new jobs',
    in: 'server/storage: Wakes.wake',
    find: 'this.#queues.add(queue);',
    replace: '',
  },
  {
    name: 'attempt-not-counted',
    breaks: 'a claim does not count as an attempt',
    in: 'core: claimed',
    find: 'attempt: job.attempt + 1,',
    replace: 'attempt: Math.max(1, job.attempt),',
  },
  {
    name: 'id-not-known',
    breaks: 'a repeated enqueue answers that the job is a duplicate of itself',
    in: 'core: sameOrOther',
    find: 'there.envelope === job.envelope &&',
    replace: 'false &&',
  },
];

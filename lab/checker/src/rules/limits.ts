import { earliestEnd, jumpsWithin } from '../certainty.ts';
import type { Limit } from '../records.ts';
import type { Rule } from '../rule.ts';
import type { Claim, Timeline } from '../timeline.ts';

interface Limited {
  readonly limit: Limit;
  readonly claims: Claim[];
}

/** The claims under each limit; a key that is asked for with several bounds is judged by the widest. */
function limitedClaims(timeline: Timeline): ReadonlyMap<string, Limited> {
  const byKey = new Map<string, Limited>();
  const add = (limit: Limit, claim: Claim) => {
    const { claims, limit: before } = byKey.get(limit.key) ?? { claims: [], limit };
    claims.push(claim);
    byKey.set(limit.key, { limit: wider(before, limit), claims });
  };
  for (const { asked, claims } of timeline.jobs.values())
    for (const claim of claims) {
      for (const limit of asked?.limits ?? []) add(limit, claim);
      for (const limit of timeline.config.limits ?? []) if (limit.queue === claim.queue) add(limit, claim);
    }
  return byKey;
}

function wider(left: Limit, right: Limit): Limit {
  const concurrency = Math.max(left.concurrency ?? 0, right.concurrency ?? 0);
  const rate =
    left.rate && right.rate && left.rate.count / left.rate.windowMs > right.rate.count / right.rate.windowMs
      ? left.rate
      : (right.rate ?? left.rate);
  return { key: left.key, ...(concurrency > 0 && { concurrency }), ...(rate && { rate }) };
}

/** No more claims of a key are active than it allows, and no more start within a window. */
export const limit: Rule = (timeline, broken) => {
  let judged = 0;
  for (const [key, { limit, claims }] of limitedClaims(timeline)) {
    judged += claims.length;
    if (limit.concurrency !== undefined) {
      const over = mostActive(timeline, claims, limit.concurrency);
      if (over)
        broken({
          at: over.at,
          job: over.claim.job,
          message: `key ${key}: ${over.count} active, allowed ${limit.concurrency}`,
        });
    }
    if (limit.rate !== undefined) {
      const over = mostStarts(timeline, claims, limit.rate);
      if (over)
        broken({
          at: over.at,
          job: over.claim.job,
          message:
            `key ${key}: ${over.count} starts between ${over.from} and ${over.at}, ` +
            `allowed ${limit.rate.count} in ${limit.rate.windowMs} ms`,
        });
    }
  }
  return judged;
};

/** The first moment at which more claims than allowed were certainly active. */
function mostActive(timeline: Timeline, claims: readonly Claim[], allowed: number) {
  const moments = claims.flatMap((claim) => {
    const end = earliestEnd(timeline, claim);
    return end > claim.to
      ? [
          { at: claim.to, by: 1, claim },
          { at: end, by: -1, claim },
        ]
      : [];
  });
  // Ends first: a slot that is given up at a moment may be taken at it.
  moments.sort((left, right) => left.at - right.at || left.by - right.by);
  let count = 0;
  for (const { at, by, claim } of moments) {
    count += by;
    if (count > allowed) return { at, claim, count };
  }
  return undefined;
}

/** The first window that certainly has more starts than the rate allows. */
function mostStarts(timeline: Timeline, claims: readonly Claim[], rate: { count: number; windowMs: number }) {
  const sorted = [...claims].sort((left, right) => left.from - right.from);
  for (const [index, first] of sorted.entries()) {
    let count = 0;
    for (let next = index; next < sorted.length; next += 1) {
      const claim = sorted[next];
      if (claim === undefined || claim.from >= first.from + rate.windowMs) break;
      if (claim.to >= first.from + rate.windowMs) continue;
      count += 1;
      if (count > rate.count && !jumpsWithin(timeline, first.from, claim.to))
        return { at: claim.to, from: first.from, claim, count };
    }
  }
  return undefined;
}

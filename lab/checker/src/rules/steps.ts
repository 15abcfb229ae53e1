import { mayBeRemoved } from '../certainty.ts';
import type { Rule } from '../rule.ts';
import type { Claim, JobHistory, Timeline } from '../timeline.ts';
import { ended, settledBefore } from './leases.ts';

/** Jobs of which no copy may have been made anew: that one begins without outcomes. */
function jobsOf({ jobs }: Timeline): readonly JobHistory[] {
  return [...jobs.values()].filter((job) => job.stepped.length + job.records.length > 0 && !mayBeRemoved(job));
}

interface Final {
  readonly name: string;
  readonly state: string;
}

function isFinal({ state }: Final): boolean {
  return state !== 'open';
}

/** Whether one claim of a job certainly came before another. */
function isBefore(earlier: Claim | undefined, later: Claim | undefined): boolean {
  if (earlier === undefined || later === undefined) return false;
  if (earlier.claim !== undefined && later.claim !== undefined) return earlier.claim < later.claim;
  return earlier.to < later.from;
}

/** The function of a step does not start in an execution that is told its outcome, or that comes after its record. */
export const again: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of jobsOf(timeline)) {
    const recorded = job.records
      .filter(({ outcome }) => outcome === 'done')
      .flatMap(({ call: { lease }, to, steps }) => steps.filter(isFinal).map(({ name }) => ({ name, lease, to })));
    for (const { what, name, lease, at } of job.stepped) {
      if (what !== 'ran') continue;
      judged += 1;
      const claim = timeline.claims.get(lease);
      const before = recorded.find(
        (one) =>
          one.name === name && (one.lease === lease ? one.to < at : isBefore(timeline.claims.get(one.lease), claim)),
      );
      const isTold = claim?.steps.some((row) => row.name === name && isFinal(row)) === true;
      if (before !== undefined)
        broken({ at, job: job.id, message: `${lease} ran ${name}, which ${before.lease} recorded by ${before.to}` });
      else if (isTold) broken({ at, job: job.id, message: `${lease} ran ${name}, whose outcome it was given` });
    }
  }
  return judged;
};

/** The first outcome of a step stays: it is the same in every answer, in every execution and at the end. */
export const first: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of jobsOf(timeline)) {
    const outcomes = new Map<string, string>();
    const see = (at: number, where: string, name: string, outcome: string) => {
      judged += 1;
      const known = outcomes.get(name);
      if (known === undefined) outcomes.set(name, outcome);
      else if (known !== outcome)
        broken({ at, job: job.id, message: `${name} is ${outcome} ${where}; it was ${known} before` });
    };
    const rows = [
      ...job.records.flatMap(({ to, steps, call: { lease } }) =>
        steps.map((row) => ({ row, at: to, where: `to ${lease}` })),
      ),
      ...job.claims.flatMap(({ to, steps, lease }) =>
        steps.map((row) => ({ row, at: to, where: `at the start of ${lease}` })),
      ),
      ...job.rows.map((row) => ({ row, at: row.at, where: 'at the end' })),
    ];
    for (const { row, at, where } of rows.sort((left, right) => left.at - right.at)) {
      const isTold = row.hasValue !== true || row.value !== undefined;
      if (isFinal(row) && isTold)
        see(at, where, row.name, row.state === 'failed' ? 'failed' : (row.value ?? 'nothing'));
    }
    for (const { what, name, at, lease, value = 'nothing' } of job.stepped)
      if (what === 'resolved') see(at, `in ${lease}`, name, value);
  }
  return judged;
};

/** An execution gets the outcomes that are there at its start in the order of their numbers. */
export const order: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of jobsOf(timeline)) {
    const last = new Map<string, { readonly name: string; readonly number: number }>();
    for (const { what, name, lease, at } of job.stepped) {
      const row = timeline.claims.get(lease)?.steps.find((one) => one.name === name && isFinal(one));
      if (what !== 'resolved' || row?.number === undefined) continue;
      judged += 1;
      const before = last.get(lease);
      if (before !== undefined && before.number > row.number)
        broken({
          at,
          job: job.id,
          message: `${lease} got ${name}, number ${row.number}, after ${before.name}, number ${before.number}`,
        });
      last.set(lease, { name, number: row.number });
    }
  }
  return judged;
};

/** A race of steps has the same winner in each execution. */
export const race: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of jobsOf(timeline)) {
    const winners = new Map<string, string>();
    for (const { what, name, lease, at, value = '' } of job.stepped) {
      if (what !== 'won') continue;
      judged += 1;
      const winner = winners.get(name) ?? value;
      winners.set(name, winner);
      if (winner !== value)
        broken({ at, job: job.id, message: `${value} won ${name} in ${lease}; ${winner} won it before` });
    }
  }
  return judged;
};

/** A lease that is certainly over records nothing. */
export const fence: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of jobsOf(timeline))
    for (const deed of job.records) {
      const claim = timeline.claims.get(deed.call.lease);
      if (claim === undefined || deed.outcome !== 'done') continue;
      judged += 1;
      const end = ended(job, claim, deed.from) ?? settledBefore(job, claim, deed);
      if (end !== undefined) broken({ at: deed.to, job: job.id, message: `${claim.lease} recorded steps; ${end}` });
    }
  return judged;
};

/** A recorded step is there as long as its job, and no longer. */
export const rows: Rule = (timeline, broken) => {
  if (!timeline.complete) return 0;
  let judged = 0;
  for (const {
    id,
    final,
    rows: [row],
  } of timeline.jobs.values())
    if (row !== undefined && final === undefined)
      broken({ at: row.at, job: id, message: `has the step ${row.name}, and is not there itself` });
  for (const { id, final, records, rows: stored } of jobsOf(timeline)) {
    if (final === undefined) continue;
    const there = new Set(stored.filter(isFinal).map(({ name }) => name));
    for (const { outcome, steps } of records)
      for (const row of outcome === 'done' ? steps.filter(isFinal) : []) {
        judged += 1;
        if (!there.has(row.name))
          broken({ at: final.at, job: id, message: `the step ${row.name} was recorded, and is not there at the end` });
      }
  }
  return judged;
};

/** The work of a step in a transaction is done once where the step is recorded, and never where it is not. */
export const ledger: Rule = (timeline, broken) => {
  if (!timeline.complete) return 0;
  let judged = 0;
  for (const { id, final, stepped, effects, rows: stored } of timeline.jobs.values()) {
    if (final === undefined) continue;
    const tried = stepped.filter(({ what, transaction }) => what === 'ran' && transaction === true);
    for (const name of new Set([...tried, ...effects].map((one) => one.name))) {
      judged += 1;
      const count = effects.filter((effect) => effect.name === name).length;
      const expected = stored.some((row) => row.name === name && row.state === 'done') ? 1 : 0;
      if (count !== expected)
        broken({ at: final.at, job: id, message: `${name} was done ${count} times; its row says ${expected}` });
    }
  }
  return judged;
};

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uuidFrom } from '../../src/index.ts';
import { errorFingerprint, fingerprintOf, type JobRecord } from '../../src/job/index.ts';
import { allOf, describePlan, matcherOf, notOf, type Plan, parseQuery, planOf } from '../../src/query/index.ts';
import { conditionOf } from '../support/conditions.ts';
import { start } from '../support/records.ts';
import { checks } from '../support/runs.ts';
import { now, sample, tame } from '../support/samples.ts';
import { isMatch } from './reference.ts';

const id = '01890000-0000-7000-8000-000000000001';
const fingerprint = fingerprintOf({ type: 'Lost', message: 'Lost host 10.0.0.1' });
const other = '01890000-0000-7000-8000-000000000002';

test.each([
  ['', 'index: none; scan: none'],
  ['state:failed queue:mail error~timeout', 'index: state:retryable,discarded queue:mail; scan: error~timeout'],
  [
    'type:email.send -state:active',
    'index: state:scheduled,available,pending,completed,retryable,cancelled,discarded type:email.send; scan: none',
  ],
  ['type:email.*', 'index: none; scan: type:email.*'],
  ['queue:mail,web', 'index: none; scan: queue:mail,web'],
  ['queue:mail,web queue:web', 'index: queue:web; scan: none'],
  ['-queue:mail', 'index: none; scan: -queue:mail'],
  [`fingerprint:${fingerprint}`, `index: state:retryable,discarded fingerprint:${fingerprint}; scan: none`],
  [
    `queue:a dead:true fingerprint:${fingerprint}`,
    `index: state:discarded dead:true queue:a fingerprint:${fingerprint}; scan: none`,
  ],
  [
    'message:"Lost host 10.0.0.7"',
    `index: state:retryable,discarded fingerprint:${fingerprint.slice(0, 10)}*; scan: none`,
  ],
  [
    `message:"Lost host <ip>" fingerprint:${fingerprint}`,
    `index: state:retryable,discarded fingerprint:${fingerprint}; scan: message:"Lost host <ip>"`,
  ],
  ['message:lost* message~host', 'index: state:retryable,discarded; scan: message:lost* message~host'],
  ['-message:lost', 'index: none; scan: -message:lost'],
  ['fingerprint:x', 'none: no job can match'],
  ['dead:true type:a', 'index: state:discarded dead:true type:a; scan: none'],
  ['dead:false', 'index: none; scan: dead:false'],
  ['attempts>3 meta.tenant=acme', 'index: none; scan: attempts>3 meta.tenant:acme'],
  // A term that only jobs of some states can fit leaves the others out.
  ['result.x:1', 'index: state:completed; scan: result.x:1'],
  ['scheduled>now', 'index: state:scheduled,retryable; scan: scheduled>now'],
  // OR: the index finds what both sides need.
  ['state:active OR state:pending', 'index: state:pending,active; scan: state:active OR state:pending'],
  [
    'queue:a state:active OR queue:a state:pending',
    'index: state:pending,active queue:a; scan: queue:a state:active OR queue:a state:pending',
  ],
  ['queue:a OR queue:b', 'index: none; scan: queue:a OR queue:b'],
  ['queue:a OR attempts>3', 'index: none; scan: queue:a OR attempts>3'],
  ['queue:a OR state:active state:pending', 'index: queue:a; scan: queue:a OR state:active state:pending'],
  [
    '-(state:active OR attempts>3)',
    'index: state:scheduled,available,pending,completed,retryable,cancelled,discarded; scan: -(state:active OR attempts>3)',
  ],
  // Lists are newest first.
  [
    'finished>2026-01-01',
    'index: state:completed,cancelled,discarded finished>=2026-01-02T00:00:00.000Z; scan: finished>2026-01-01',
  ],
  ['state:completed finished>=-1d', `index: state:completed finished>=2026-01-11T13:46:40.000Z; scan: finished>=-1d`],
  [
    'finished>2026-01-01 OR state:active',
    'index: state:active,completed,cancelled,discarded; scan: finished>2026-01-01 OR state:active',
  ],
  ['state:waiting age<1d', 'index: state:available; scan: age<1d'],
  ['age<1d', 'index: none; scan: age<1d'],
  [`id:${id}`, `index: id:${id}; scan: none`],
  [`id:${id},${other} state:active id:${id},x`, `index: id:${id}; scan: state:active`],
  ['state:completed state:active', 'none: no job can match'],
  ['dead:true state:completed', 'none: no job can match'],
  ['queue:a queue:b', 'none: no job can match'],
  ['queue:a -(-state:active)', 'index: state:active queue:a; scan: none'],
  ['result.x:1 state:active', 'none: no job can match'],
  // No job can have such a name, and some stores cannot look for it.
  ['queue:"\\u0000"', 'none: no job can match'],
  ['type:"a*"', 'none: no job can match'],
  ['id:abc', 'none: no job can match'],
  ['queue:MAIL,mail', 'index: queue:mail; scan: none'],
  // A prefix is answered only where the value that the index finds begins with it.
  ['queue:web queue:mail*', 'index: queue:web; scan: queue:mail*'],
  ['queue:web queue:mail*,web', 'index: queue:web; scan: none'],
  ['type:email.send type:email.*', 'index: type:email.send; scan: none'],
  ['type:email.send type:sms.*', 'index: type:email.send; scan: type:sms.*'],
  [`id:${id} id:ab*`, `index: id:${id}; scan: id:ab*`],
  [`id:${id},${other} id:0189*`, `index: id:${id},${other}; scan: none`],
  [`id:${id},${other} id:${other}*`, `index: id:${id},${other}; scan: id:${other}*`],
])('%s', (query, plan) => {
  expect(describePlan(planOf(parseQuery(query), now))).toBe(plan);
});

test('a job matches exactly where the index finds it and the rest matches', () => {
  fc.assert(
    fc.property(conditionOf(tame), sample, (condition, { job }) => {
      const plan = planOf(condition, now);
      const matches = matcherOf(condition, now)(job);
      expect(isFound(plan, job)).toBe(matches);
      if (matches && plan.kind === 'list' && plan.finished !== null)
        expect(job.finishedAt).toBeGreaterThanOrEqual(plan.finished);
    }),
    { numRuns: checks(10_000) },
  );
});

/** Terms of the fields with an index; the values are those of the jobs, and parts of them. */
const indexedTerm = fc.oneof(
  ...(
    [
      ['id', [uuidFrom(start, 1, 1), uuidFrom(start, 1, 2)]],
      ['queue', ['q1', 'mail', '42']],
      ['type', ['a', 'email.send', 'mail']],
    ] as const
  ).map(([field, values]) => {
    const whole = fc.constantFrom(...values);
    const part = fc.tuple(whole, fc.constantFrom(0, 1, 2, 40)).map(([text, length]) => text.slice(0, length));
    const pattern = fc.oneof(
      fc.record({ kind: fc.constant('exact' as const), text: whole }),
      fc.record({ kind: fc.constantFrom('exact' as const, 'prefix' as const), text: part }),
    );
    return fc.record({
      kind: fc.constant('text' as const),
      field: fc.constant(field),
      values: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    });
  }),
);

test('exact values and prefixes together find the jobs that match', () => {
  let matched = 0;
  const count = checks(5_000);
  const query = fc.array(fc.oneof(indexedTerm, indexedTerm.map(notOf)), { minLength: 1, maxLength: 4 }).map(allOf);
  fc.assert(
    fc.property(query, fc.array(sample, { minLength: 1, maxLength: 4 }), (condition, jobs) => {
      const plan = planOf(condition, now);
      const found = jobs.filter(({ job }) => isFound(plan, job));
      matched += found.length;
      expect(found).toEqual(jobs.filter((one) => isMatch(condition, one)));
    }),
    { numRuns: count },
  );
  expect(matched).toBeGreaterThan(count / 5);
});

function isFound(plan: Plan, job: JobRecord): boolean {
  if (plan.kind === 'none') return false;
  const isRest = matcherOf(allOf(plan.rest), now)(job);
  if (plan.kind === 'ids') return plan.ids.includes(job.id) && isRest;
  const { states, deadLetter, queue, type, fingerprint } = plan.query;
  const isListed =
    (states & job.state) !== 0 &&
    (!deadLetter || job.deadLetter) &&
    (queue === undefined || queue === job.queue) &&
    (type === undefined || type === job.type) &&
    (fingerprint === undefined || errorFingerprint(job)?.startsWith(fingerprint) === true);
  return isListed && isRest;
}

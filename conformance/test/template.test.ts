import { expect, test } from 'vitest';
import { Scope } from '../src/template.ts';

function scope(): Scope {
  const made = new Scope('u1');
  made.record('step-1', {
    status: 201,
    headers: { location: '/jobs/a' },
    text: '',
    body: { job: { id: 'a', n: 3, f: 1.5, list: [1, { b: null }], yes: true }, jobs: [{ id: 'b' }] },
    elapsedMs: 1,
  });
  return made;
}

test('references to earlier answers are converted as the reference says', () => {
  const one = scope();
  expect(one.fill('/jobs/{{steps.step-1.response.body.job.id}}/x')).toBe('/jobs/a/x');
  expect(one.fill('{{ steps.step-1.response.body.jobs[0].id }}')).toBe('b');
  expect(
    one.fill(
      '{{steps.step-1.response.body.job.n}} {{steps.step-1.response.body.job.f}} {{steps.step-1.response.body.job.yes}}',
    ),
  ).toBe('3 1.5 true');
  expect(one.fill('{{steps.step-1.response.body.job.list}}')).toBe('[1,{"b":null}]');
  expect(one.fill('{{steps.step-1.response.status}} {{steps.step-1.response.headers.location}}')).toBe('201 /jobs/a');
});

test('a reference that does not resolve stays as text', () => {
  for (const text of [
    '{{steps.later.response.body.id}}',
    '{{steps.step-1.response.body.gone}}',
    '{{nobody}}',
    '{{steps.step-1}}',
  ])
    expect(scope().fill(text)).toBe(text);
});

test('a string that is one reference keeps the type of its value for assertions', () => {
  expect(scope().only('{{steps.step-1.response.body.job.n}}')).toBe(3);
  expect(scope().only('x{{steps.step-1.response.body.job.n}}')).toBeUndefined();
});

test('captures, unique, uuid and time stay the same within a run', () => {
  const one = scope();
  one.capture('job_id', 'captured');
  expect(one.fill('{{job_id}} {{unique}}')).toBe('captured u1');
  expect(one.fill('{{uuid:a}}')).toBe(one.fill('{{uuid:a}}'));
  expect(one.fill('{{uuid:a}}')).not.toBe(one.fill('{{uuid:b}}'));
  expect(one.fill('{{uuid:a}}')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  const later = one.fill('{{time:+60000@+05:30}}');
  expect(later).toMatch(/\+05:30$/);
  expect(one.fill('{{time:+60000@+05:30}}')).toBe(later);
  expect(Math.abs(Date.parse(later) - Date.now() - 60_000)).toBeLessThan(5_000);
  expect(Date.parse(one.fill('{{time:-1000}}'))).toBeLessThan(Date.now());
});

test('bodies: references in keys and values, $fill, $repeat and $value', () => {
  const one = scope();
  expect(one.build({ '{{unique}}': ['{{unique}}', 5, null], n: '{{steps.step-1.response.body.job.n}}' })).toEqual({
    u1: ['u1', 5, null],
    n: '3',
  });
  expect(one.build([{ $fill: 4 }, { $value: '{{steps.step-1.response.body.job.n}}' }])).toEqual(['xxxx', 3]);
  expect(one.build({ jobs: { $repeat: { times: 3, item: { q: '{{unique}}' } } } })).toEqual({
    jobs: [{ q: 'u1' }, { q: 'u1' }, { q: 'u1' }],
  });
});

import { CaseError, equal, isArray, isObject, type JsonObject, type JsonValue, shown } from './json.ts';
import { lookup } from './jsonpath.ts';
import { defaultMatchOptions, mismatch } from './matchers.ts';
import { near } from './strings.ts';
import type { Scope, StepResponse } from './template.ts';

/** One failed assertion. */
export interface Failure {
  /** What was checked: `status`, `body $.job.id`, `header Content-Type`… */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

/** Checks an answer against the assertions of its step. */
export function check(assertions: JsonObject, response: StepResponse, scope: Scope): readonly Failure[] {
  const failures: Failure[] = [];
  const expect = (what: string, wrong: string | null, actual: JsonValue | undefined) => {
    if (wrong !== null) failures.push({ what, expected: wrong, actual: shown(actual) });
  };
  const { status, status_in: statusIn, body, body_raw: bodyRaw, timing_ms: timing } = assertions;
  if (status !== undefined) expect('status', mismatch(status, response.status), response.status);
  if (isArray(statusIn)) expect('status', mismatch({ $in: statusIn }, response.status), response.status);
  for (const [name, matcher] of entries(assertions.headers)) {
    const actual = response.headers[name.toLowerCase()];
    const wanted = scope.fillAll(matcher);
    const wrong = typeof wanted !== 'string' ? mismatch(wanted, actual) : actual === wanted ? null : shown(wanted);
    expect(`header ${name}`, wrong, actual);
  }
  if (isObject(body)) failures.push(...checkBody(body, response.body, scope));
  for (const path of strings(assertions.body_absent)) {
    const actual = lookup(response.body, scope.fill(path));
    expect(`body ${path}`, mismatch('absent', actual), actual);
  }
  for (const part of strings(assertions.body_contains)) {
    const text = scope.fill(part);
    expect('raw body', response.text.includes(text) ? null : `a text that contains ${text}`, response.text);
  }
  if (bodyRaw !== undefined) {
    const text = typeof bodyRaw === 'string' ? scope.fill(bodyRaw) : JSON.stringify(scope.build(bodyRaw));
    expect('raw body', response.text === text ? null : text, response.text);
  }
  for (const [bound, value] of entries(timing))
    expect('time in ms', late(bound, value, response.elapsedMs), Math.round(response.elapsedMs));
  return failures.length === 0
    ? failures
    : [
        ...failures,
        { what: 'answer', expected: '(for reference)', actual: `${response.status} ${response.text.slice(0, 1_500)}` },
      ];
}

function checkBody(body: JsonObject, actual: JsonValue | undefined, scope: Scope): readonly Failure[] {
  return Object.entries(body).flatMap(([path, matcher]): readonly Failure[] => {
    if (path === '$or' && isArray(matcher)) {
      const tried = matcher.map((one) => (isObject(one) ? checkBody(one, actual, scope) : []));
      if (tried.some((failures) => failures.length === 0)) return [];
      return [
        {
          what: 'body $or',
          expected: tried
            .map((failures) => failures.map(({ what, expected }) => `${what} ${expected}`).join(' and '))
            .join(' or '),
          actual: shown(actual),
        },
      ];
    }
    const value = lookup(actual, scope.fill(path));
    const wrong = matches(matcher, value, scope);
    return wrong === null ? [] : [{ what: `body ${path}`, expected: wrong, actual: shown(value) }];
  });
}

/** A matcher that is exactly one reference means the referenced value, whatever its type. */
function matches(matcher: JsonValue, value: JsonValue | undefined, scope: Scope): string | null {
  const same = typeof matcher === 'string' ? scope.only(matcher) : undefined;
  if (same !== undefined) return equal(same, value) ? null : shown(same);
  return mismatch(scope.fillAll(matcher), value, defaultMatchOptions);
}

/** Checks the assertions of an ASSERT step on the answers of earlier steps. */
export function checkAcross(assertions: JsonObject, scope: Scope): readonly Failure[] {
  const failures: Failure[] = [];
  for (const [path, other] of entries(assertions.equality)) {
    const left = path.startsWith('$') ? lookup(scope.root(), path) : scope.only(path);
    const right =
      typeof other === 'string'
        ? (scope.only(other) ?? (other.startsWith('$') ? lookup(scope.root(), other) : other))
        : other;
    if (left === undefined || !equal(left, right))
      failures.push({ what: `equality ${path}`, expected: shown(right), actual: shown(left) });
  }
  const claim = assertions.exclusive_claim;
  if (isObject(claim)) {
    const id = scope.fillAll(claim.job_id ?? null);
    const fetches = isArray(claim.fetches)
      ? claim.fetches.map((one) => (typeof one === 'string' ? scope.only(one) : one))
      : [];
    const holders = fetches.filter(
      (jobs) => isArray(jobs) && jobs.some((job) => isObject(job) && job.id === id),
    ).length;
    if ((holders === 1) !== (claim.exactly_one_has_job ?? true))
      failures.push({
        what: 'exclusive_claim',
        expected: `${shown(id)} in exactly one fetch`,
        actual: `in ${holders}`,
      });
  }
  if (assertions.equality === undefined && claim === undefined)
    throw new CaseError('an ASSERT step needs equality or exclusive_claim');
  return failures;
}

function late(bound: string, value: JsonValue, elapsedMs: number): string | null {
  if (typeof value !== 'number') throw new CaseError(`timing_ms.${bound} is ${shown(value)}, not a number`);
  if (bound === 'less_than') return elapsedMs < value ? null : `less than ${value}`;
  if (bound === 'greater_than') return elapsedMs > value ? null : `more than ${value}`;
  return near(elapsedMs, value, defaultMatchOptions.tolerancePct) ? null : `about ${value}`;
}

function entries(value: JsonValue | undefined): readonly (readonly [string, JsonValue])[] {
  return isObject(value) ? Object.entries(value) : [];
}

function strings(value: JsonValue | undefined): readonly string[] {
  return isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

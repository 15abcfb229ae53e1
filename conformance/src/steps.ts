import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { check, checkAcross, type Failure } from './assertions.ts';
import type { Case, Step } from './case.ts';
import { send } from './http.ts';
import { CaseError } from './json.ts';
import { lookup } from './jsonpath.ts';
import { Scope } from './template.ts';

export interface Target {
  /** Base URL of the server, without a trailing slash. */
  readonly url: string;
  readonly token?: string;
}

export interface StepFailure extends Failure {
  readonly step: string;
}

/** Runs setup, steps and teardown. A failed step ends the steps; the teardown still runs. */
export async function runCase(found: Case, target: Target): Promise<readonly StepFailure[]> {
  const scope = new Scope(randomUUID().slice(0, 8));
  const failures = await runSteps([...found.setup, ...found.steps], scope, target);
  return [...failures, ...(await runSteps(found.teardown, scope, target))];
}

async function runSteps(steps: readonly Step[], scope: Scope, target: Target): Promise<readonly StepFailure[]> {
  for (const step of steps) {
    const failures = await runStep(step, scope, target).catch((error: unknown) => [failed(error)]);
    if (failures.length > 0) return failures.map((failure) => ({ step: step.id, ...failure }));
  }
  return [];
}

function failed(error: unknown): Failure {
  if (error instanceof CaseError) return { what: 'case file', expected: 'a step of the format', actual: error.message };
  return {
    what: 'request',
    expected: 'an answer',
    actual: error instanceof Error ? error.message || String(error.cause ?? error.name) : String(error),
  };
}

async function runStep(step: Step, scope: Scope, target: Target): Promise<readonly Failure[]> {
  if (step.delayMs > 0) await pause(step.delayMs);
  if (step.action === 'WAIT') return [];
  if (step.action === 'ASSERT') return checkAcross(step.assertions, scope);
  const body =
    step.rawBody !== undefined
      ? scope.fill(step.rawBody)
      : step.body === undefined
        ? undefined
        : JSON.stringify(scope.build(step.body));
  const response = await send({
    method: step.action,
    url: new URL(`${target.url}${scope.fill(step.path)}`),
    headers: headersOf(step, scope, target, body !== undefined),
    ...(body === undefined ? {} : { body }),
  });
  scope.record(step.id, response);
  const failures = [...check(step.assertions, response, scope)];
  for (const [name, path] of Object.entries(step.captures)) {
    const value = lookup(response.body, path);
    if (value === undefined)
      failures.push({ what: `capture ${name}`, expected: `a value at ${path}`, actual: response.text.slice(0, 1_500) });
    else scope.capture(name, value);
  }
  return failures;
}

/** The headers of the step win over those of the runner. A null removes a header. */
function headersOf(step: Step, scope: Scope, target: Target, hasBody: boolean): Readonly<Record<string, string>> {
  const given = new Set(Object.keys(step.headers).map((name) => name.toLowerCase()));
  const headers: Record<string, string> = {};
  if (hasBody && !given.has('content-type')) headers['Content-Type'] = 'application/openjobspec+json';
  if (target.token !== undefined && !given.has('authorization')) headers.Authorization = `Bearer ${target.token}`;
  for (const [name, value] of Object.entries(step.headers)) if (value !== null) headers[name] = scope.fill(value);
  return headers;
}

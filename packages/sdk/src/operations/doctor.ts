import type { Operation } from '../connection/operation.ts';
import { eachOf, oneOf, textOf, wireOf } from '../json.ts';

/** A problem that an operator should fix. */
export interface Finding {
  /** Such as `unread_queue`; `docs/operating.md` has all of them. */
  readonly code: string;
  /** `error`: jobs are lost or blocked, or soon will be. */
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** The action that fixes it. */
  readonly remedy: string;
}

const severity = oneOf('error', 'warning');

export function* diagnose(): Operation<Finding[]> {
  const body = yield { call: { operation: 'system.doctor' } };
  return eachOf(body.findings, (item) => {
    const raw = wireOf(item) ?? {};
    const [code, message] = [textOf(raw.code), textOf(raw.message)];
    if (code === undefined || message === undefined) return undefined;
    return { code, severity: severity(raw.severity) ?? 'warning', message, remedy: textOf(raw.remedy) ?? '' };
  });
}

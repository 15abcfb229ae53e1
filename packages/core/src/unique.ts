import { parseDuration } from './duration.ts';
import type { ValidationIssue } from './errors.ts';
import { isObject } from './json.ts';
import { isState, State } from './states.ts';

const dimensions: readonly unknown[] = ['type', 'queue', 'args', 'meta'];
const conflicts: readonly unknown[] = ['reject', 'replace', 'replace_except_schedule', 'ignore', 'use_existing'];

/**
 * What is wrong with the shape of a unique policy as parsed JSON (ojs-unique-jobs §2, digest §6.1). Null counts as absent, unknown fields are ignored.
 * @param path of the policy in the document.
 */
export function uniqueIssues(policy: unknown, path: string): readonly ValidationIssue[] {
  if (!isObject(policy)) return [{ path, message: 'unique must be an object' }];
  const issues: ValidationIssue[] = [];
  const check = (field: string, valid: (value: unknown) => boolean, expected: string) => {
    const value = policy[field] ?? null;
    if (value !== null && !valid(value)) issues.push({ path: `${path}.${field}`, message: `${field} must be ${expected}` });
  };
  const listOf = (valid: (item: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(valid);
  const isName = (item: unknown) => typeof item === 'string' && item !== '';

  check(
    'keys',
    listOf((item) => dimensions.includes(item)),
    `a list out of ${dimensions.join(', ')}`,
  );
  check('key', listOf(isName), 'a list of names');
  check('args_keys', listOf(isName), 'a list of names');
  check('meta_keys', listOf(isName), 'a list of names');
  check(
    'period',
    (value) => typeof value === 'string' && (parseDuration(value) ?? 0) > 0,
    'an ISO 8601 duration such as PT1H, greater than 0',
  );
  check('states', listOf(isState), `a list out of ${Object.keys(State).join(', ')}`);
  check('on_conflict', (value) => conflicts.includes(value), `one of ${conflicts.join(', ')}`);

  const keys = policy.keys ?? policy.key ?? null;
  const uses = (dimension: string) => Array.isArray(keys) && keys.includes(dimension);
  const metaKeys = policy.meta_keys ?? null;
  if (uses('meta') && (metaKeys === null || (Array.isArray(metaKeys) && metaKeys.length === 0))) {
    issues.push({ path: `${path}.meta_keys`, message: 'meta_keys must name at least one key where keys has "meta"' });
  }
  if (Array.isArray(policy.keys) && (policy.args_keys ?? null) !== null && !uses('args')) {
    issues.push({ path: `${path}.args_keys`, message: 'args_keys needs "args" in keys' });
  }
  return issues;
}

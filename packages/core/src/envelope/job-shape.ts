import { limitNames, windowNames } from '../lifecycle/limits/requested.ts';
import { retryNames } from '../lifecycle/retry.ts';
import { uniqueNames } from '../lifecycle/unique/unique.ts';
import { attributeNames, managedNames, optionNames } from './attributes.ts';
import { type Shape, shapeOf } from './unknown-members.ts';

const window = shapeOf(windowNames);
const retryShape: Shape = shapeOf(retryNames);
const limitShape: Shape = shapeOf(limitNames, { rate: window, throttle: window });
const policies = { retry: retryShape, unique: shapeOf(uniqueNames), rate_limit: limitShape };

export const optionsShape: Shape = shapeOf(optionNames, { ...policies, retry_policy: retryShape });
export const stepOptionsShape: Shape = shapeOf([...optionNames, 'callback_type'], {
  ...policies,
  retry_policy: retryShape,
});

/**
 * ojs-job-versioning has `version` at the top, ojs-execution-history §5 `parent_id` and `root_id`. Members that the
 * server manages may come back with an envelope that a client read earlier.
 */
export const jobNames: readonly string[] = [...attributeNames, ...managedNames, 'version', 'parent_id', 'root_id'];
export const jobPolicies: Readonly<Record<string, Shape>> = policies;
export const jobShape: Shape = shapeOf(jobNames, { ...policies, options: optionsShape }, true);

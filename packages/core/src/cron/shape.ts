import { jobPolicies, jobShape, optionsShape } from '../job-members.ts';
import { type Shape, shapeOf } from '../members.ts';
import { cronFields } from './definition.ts';

/** What the server manages of a cron, and answers beside its definition: ignored where it comes back. */
const managed = ['next_run_at', 'last_run_at', 'run_count', 'created_at', 'updated_at', 'status', 'id'];

export const cronShape: Shape = shapeOf([...cronFields, 'name', 'enabled', ...managed], {
  ...jobPolicies,
  options: optionsShape,
  job_template: jobShape,
  job: jobShape,
});

import { stepLimits } from '../durable/row.ts';
import { maxBatchJobs, maxEnvelopeBytes } from '../envelope/validate.ts';
import { maxNesting, maxNodes } from '../workflow/plan.ts';

interface Traits {
  readonly version?: string;
  readonly protocols: readonly string[];
  readonly backend: string;
  readonly durability: string;
  readonly validates: boolean;
  readonly extensions: unknown;
  readonly retention?: object;
  /** The most bytes of the values of durable steps of a job; absent without durable steps. */
  readonly maxStepBytes?: number;
  readonly delivery: 'at_least_once' | 'none';
}

/** GET /ojs/manifest (ojs-conformance §4): what a server does, and nothing else. */
export function manifestOf(traits: Traits): object {
  const { version, protocols, backend, durability, validates, extensions, retention, maxStepBytes, delivery } = traits;
  return {
    specversion: '1.0',
    ojs_version: '1.0',
    implementation: { name: 'ojs-ts', version, language: 'typescript', homepage: 'https://openjobspec.org' },
    conformance_level: 4,
    conformance_tier: 'runtime',
    protocols,
    backend,
    durability,
    capabilities: {
      batch_enqueue: true,
      cron_jobs: true,
      dead_letter: true,
      delayed_jobs: true,
      job_ttl: true,
      priority_queues: true,
      rate_limiting: true,
      schema_validation: validates,
      unique_jobs: true,
      workflows: true,
      pause_resume: true,
    },
    unique_job_strength: 'strong',
    schema_validation: validates,
    extensions,
    limits: {
      max_envelope_bytes: maxEnvelopeBytes,
      max_batch_jobs: maxBatchJobs,
      max_workflow_nodes: maxNodes,
      max_workflow_nesting: maxNesting,
    },
    retention,
    ...(maxStepBytes !== undefined && {
      'x-steps': {
        version: 1,
        max_steps: stepLimits.steps,
        max_step_bytes: stepLimits.valueBytes,
        max_job_bytes: maxStepBytes,
      },
    }),
    endpoints: { base_url: '/ojs/v1', manifest: '/ojs/manifest', health: '/ojs/v1/health' },
    event_delivery: delivery,
  };
}

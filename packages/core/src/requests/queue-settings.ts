/** Settings of ojs-queue-config §6 that this server has for all queues at once, or not at all. */
export const unsupportedSettings = [
  'max_size_bytes',
  'visibility_timeout',
  'default_timeout',
  'default_retry',
  'dead_letter_queue',
  'dead_letter_max_size',
  'dead_letter_ttl',
  'allowed_job_types',
  'producers',
] as const;

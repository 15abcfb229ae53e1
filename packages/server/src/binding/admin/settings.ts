import { formatDuration } from '@ojs-ts/core';
import type { Parts } from '../../engine/engine.ts';
import type { About } from '../handler.ts';
import { json, type Reply } from '../reply.ts';

type Engine = Parts<'settings' | 'storage'>;

/**
 * GET /admin/system/config (ojs-admin-api §12.2): the settings of the server and where each comes from. An engine
 * without a server has few, and its program knows where they come from.
 */
export function settings(engine: Engine, { version, settings }: About): Reply {
  const { name, durability } = engine.storage.traits;
  const { visibilityMs, deadAfterMs, requireLease, poisonAfter, pausedQueues } = engine.settings;
  return json({
    version,
    backend: name,
    durability,
    engine: {
      visibility_timeout: formatDuration(visibilityMs),
      dead_after: formatDuration(deadAfterMs),
      require_lease: requireLease,
      poison_after: poisonAfter,
      paused_queues: pausedQueues,
    },
    ...(settings && { settings }),
  });
}

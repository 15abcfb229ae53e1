import { formatTimestamp, ProtocolError } from '@ojs-ts/core';
import { readBody } from '@ojs-ts/core/schemas';
import type { Parts } from '../../engine/engine.ts';
import type { MaintenanceRecord } from '../../engine/maintenance.ts';
import type { BindingRequest } from '../handler.ts';
import { json, type Reply } from '../reply.ts';

type Engine = Parts<'maintenance'>;

/** GET /admin/system/maintenance. */
export async function showMaintenance(engine: Engine): Promise<Reply> {
  return render(await engine.maintenance.read());
}

/** POST /admin/system/maintenance (ojs-admin-api §12.1): `{enabled, reason, estimated_duration}`. */
export async function changeMaintenance(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { enabled, ...start } = readBody('admin.setMaintenance', request, 0);
  const { reason = null, estimated_duration: estimatedMs = null } = start;
  if (enabled) return render(await engine.maintenance.begin({ reason, estimatedMs }));
  const message = 'belongs to the start of maintenance; leave it out where enabled is false';
  const needless = Object.keys(start).map((name) => ({ path: `$.${name}`, message }));
  if (needless.length > 0) throw ProtocolError.invalid(needless);
  await engine.maintenance.end();
  return render(null);
}

function render(record: MaintenanceRecord | null): Reply {
  const time = (at: number | null | undefined) => (at == null ? null : formatTimestamp(at));
  return json({
    maintenance: record !== null,
    reason: record?.reason ?? null,
    enabled_at: time(record?.enabledAt),
    estimated_end: time(record?.estimatedEnd),
  });
}

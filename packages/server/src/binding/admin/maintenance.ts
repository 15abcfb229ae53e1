import { formatTimestamp, parseDuration } from '@ojs-ts/core';
import { Fields } from '@ojs-ts/core/requests';
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
export async function changeMaintenance(engine: Engine, { body, value }: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(body, value));
  const enabled = fields.boolean('enabled');
  if (!fields.has('enabled')) fields.issue('enabled', 'is required');
  const reason = fields.string('reason', 1_000);
  const estimated = fields.string('estimated_duration');
  const ms = estimated === null ? null : parseDuration(estimated);
  if (estimated !== null && ms === null)
    fields.issue('estimated_duration', 'must be an ISO 8601 duration such as PT30M');
  if (enabled === false) {
    const message = 'belongs to the start of maintenance; leave it out where enabled is false';
    if (reason !== null) fields.issue('reason', message);
    if (estimated !== null) fields.issue('estimated_duration', message);
  }
  fields.done();
  if (enabled === true) return render(await engine.maintenance.begin({ reason, estimatedMs: ms }));
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

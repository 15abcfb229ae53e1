import type { Rows } from './row.ts';

export const systemOperations = {
  'system.manifest': { route: 'GET /ojs/manifest', right: 'open', queues: 'none', payload: 'none' },
  'system.health': {
    route: 'GET /ojs/v1/health',
    also: ['GET /health', 'GET /healthz', 'GET /ready', 'GET /readyz'],
    right: 'open',
    queues: 'none',
    payload: 'none',
  },
  'system.openapi': { route: 'GET /ojs/v1/openapi.json', right: 'open', queues: 'none', payload: 'none' },
  'system.metrics': {
    route: 'GET /metrics',
    also: ['GET /ojs/v1/metrics'],
    right: 'read',
    queues: 'every',
    payload: 'none',
  },
  'admin.stats': { route: 'GET /ojs/v1/admin/stats', right: 'read', queues: 'every', payload: 'none' },
  'admin.history': { route: 'GET /ojs/v1/admin/stats/history', right: 'read', queues: 'every', payload: 'none' },
  'admin.config': {
    route: 'GET /ojs/v1/admin/system/config',
    also: ['GET /ojs/v1/admin/config'],
    right: 'list',
    queues: 'every',
    payload: 'none',
  },
  'admin.maintenance': {
    route: 'GET /ojs/v1/admin/system/maintenance',
    also: ['GET /ojs/v1/admin/maintenance'],
    right: 'read',
    queues: 'none',
    payload: 'none',
  },
  'admin.setMaintenance': {
    route: 'POST /ojs/v1/admin/system/maintenance',
    also: ['POST /ojs/v1/admin/maintenance'],
    right: 'configure',
    queues: 'every',
    payload: 'none',
  },
  'event.list': { route: 'GET /ojs/v1/events', right: 'inspect', queues: 'sent', payload: 'none' },
  // Its findings name tokens, and sessions of the database.
  'system.doctor': { route: 'GET /ojs/v1/admin/doctor', right: 'operate', queues: 'every', payload: 'none' },
  'audit.list': { route: 'GET /ojs/v1/admin/audit', right: 'access', queues: 'every', payload: 'none' },
  'token.list': { route: 'GET /ojs/v1/admin/tokens', right: 'access', queues: 'every', payload: 'none' },
  'token.create': { route: 'POST /ojs/v1/admin/tokens', right: 'access', queues: 'every', payload: 'none' },
  'token.rotate': { route: 'POST /ojs/v1/admin/tokens/:id/rotate', right: 'access', queues: 'every', payload: 'none' },
  'token.revoke': { route: 'DELETE /ojs/v1/admin/tokens/:id', right: 'access', queues: 'every', payload: 'none' },
} as const satisfies Rows;

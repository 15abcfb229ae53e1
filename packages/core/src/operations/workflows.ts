import type { Rows } from './row.ts';

export const workflowOperations = {
  'workflow.create': { route: 'POST /ojs/v1/workflows', right: 'enqueue', queues: 'sent' },
  'workflow.list': { route: 'GET /ojs/v1/workflows', right: 'inspect', queues: 'every' },
  'workflow.get': { route: 'GET /ojs/v1/workflows/:id', right: 'inspect', queues: 'workflow' },
  'workflow.cancel': {
    route: 'DELETE /ojs/v1/workflows/:id',
    also: ['POST /ojs/v1/workflows/:id/cancel'],
    right: 'cancel',
    queues: 'workflow',
  },
  'workflow.retry': { route: 'POST /ojs/v1/workflows/:id/retry', right: 'operate', queues: 'workflow' },
  'workflow.rerun': { route: 'POST /ojs/v1/workflows/:id/rerun', right: 'enqueue', queues: 'workflow' },
  'workflow.results': { route: 'GET /ojs/v1/workflows/:id/results', right: 'inspect', queues: 'workflow' },
  'workflow.progress': { route: 'GET /ojs/v1/workflows/:id/progress', right: 'inspect', queues: 'workflow' },
  'workflow.graph': { route: 'GET /ojs/v1/workflows/:id/graph', right: 'inspect', queues: 'workflow' },
  'cron.list': { route: 'GET /ojs/v1/cron', also: ['GET /ojs/v1/crons'], right: 'read', queues: 'every' },
  'cron.register': { route: 'POST /ojs/v1/cron', also: ['POST /ojs/v1/crons'], right: 'schedule', queues: 'sent' },
  'cron.preview': { route: 'POST /ojs/v1/cron/preview', right: 'read', queues: 'none' },
  'cron.get': { route: 'GET /ojs/v1/cron/:name', also: ['GET /ojs/v1/crons/:name'], right: 'read', queues: 'cron' },
  'cron.update': {
    route: 'PATCH /ojs/v1/cron/:name',
    also: ['PUT /ojs/v1/cron/:name', 'PATCH /ojs/v1/crons/:name'],
    right: 'schedule',
    queues: 'cron',
  },
  'cron.remove': {
    route: 'DELETE /ojs/v1/cron/:name',
    also: ['DELETE /ojs/v1/crons/:name'],
    right: 'schedule',
    queues: 'cron',
  },
  'cron.runs': { route: 'GET /ojs/v1/cron/:name/runs', right: 'read', queues: 'cron' },
  'cron.trigger': {
    route: 'POST /ojs/v1/cron/:name/trigger',
    also: ['POST /ojs/v1/crons/:name/trigger'],
    right: 'schedule',
    queues: 'cron',
  },
  'cron.pause': { route: 'POST /ojs/v1/cron/:name/pause', right: 'schedule', queues: 'cron' },
  'cron.resume': { route: 'POST /ojs/v1/cron/:name/resume', right: 'schedule', queues: 'cron' },
} as const satisfies Rows;

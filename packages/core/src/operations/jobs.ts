import type { Rows } from './row.ts';

export const jobOperations = {
  'job.enqueue': { route: 'POST /ojs/v1/jobs', right: 'enqueue', queues: 'sent' },
  'job.enqueueBatch': { route: 'POST /ojs/v1/jobs/batch', right: 'enqueue', queues: 'sent' },
  'job.list': { route: 'GET /ojs/v1/jobs', right: 'list', queues: 'sent' },
  'job.get': { route: 'GET /ojs/v1/jobs/:id', right: 'inspect', queues: 'job' },
  'job.cancel': {
    route: 'DELETE /ojs/v1/jobs/:id',
    also: ['POST /ojs/v1/jobs/:id/cancel', 'POST /ojs/v1/admin/jobs/:id/cancel'],
    right: 'cancel',
    queues: 'job',
  },
  'job.retry': { route: 'POST /ojs/v1/admin/jobs/:id/retry', right: 'operate', queues: 'job' },
  'job.discard': { route: 'POST /ojs/v1/admin/jobs/:id/discard', right: 'operate', queues: 'job' },
  'job.rerun': { route: 'POST /ojs/v1/admin/jobs/:id/rerun', right: 'operate', queues: 'job' },
  'job.undo': { route: 'POST /ojs/v1/admin/jobs/:id/undo', right: 'operate', queues: 'job' },
  'job.edit': {
    route: 'PATCH /ojs/v1/admin/jobs/:id',
    also: ['PATCH /ojs/v1/jobs/:id'],
    right: 'operate',
    queues: 'job',
  },
  'job.explain': { route: 'GET /ojs/v1/admin/jobs/:id/explain', right: 'inspect', queues: 'step' },
  'job.history': { route: 'GET /ojs/v1/jobs/:id/history', right: 'inspect', queues: 'job', payload: 'none' },
  // The handler itself hides the values and errors of steps.
  'job.steps': { route: 'GET /ojs/v1/jobs/:id/steps', right: 'inspect', queues: 'job', payload: 'none' },
  'job.purgeHistory': { route: 'DELETE /ojs/v1/jobs/:id/history', right: 'purge', queues: 'job' },
  'job.activate': { route: 'POST /ojs/v1/jobs/:id/activate', right: 'enqueue', queues: 'job' },
  'job.progress': { route: 'GET /ojs/v1/jobs/:id/progress', right: 'inspect', queues: 'job' },
  'job.reportProgress': { route: 'PUT /ojs/v1/jobs/:id/progress', right: 'work', queues: 'job' },
  'job.result': { route: 'GET /ojs/v1/jobs/:id/result', right: 'inspect', queues: 'job', waits: true },
  'job.results': { route: 'POST /ojs/v1/jobs/results', right: 'inspect', queues: 'sent', waits: true },
  'job.checkpoint': {
    route: 'GET /ojs/v1/jobs/:id/checkpoint',
    also: ['GET /ojs/v1/checkpoints/:id'],
    right: 'payload',
    queues: 'job',
  },
  'job.saveCheckpoint': {
    route: 'POST /ojs/v1/jobs/:id/checkpoint',
    also: ['PUT /ojs/v1/jobs/:id/checkpoint', 'POST /ojs/v1/checkpoints/:id', 'PUT /ojs/v1/checkpoints/:id'],
    right: 'work',
    queues: 'job',
  },
  'job.deleteCheckpoint': {
    route: 'DELETE /ojs/v1/jobs/:id/checkpoint',
    also: ['DELETE /ojs/v1/checkpoints/:id'],
    right: 'work',
    queues: 'job',
  },
  'admin.jobs': { route: 'GET /ojs/v1/admin/jobs', right: 'list', queues: 'sent' },
  'admin.jobGroups': { route: 'GET /ojs/v1/admin/jobs/groups', right: 'list', queues: 'sent', payload: 'none' },
  'admin.job': { route: 'GET /ojs/v1/admin/jobs/:id', right: 'inspect', queues: 'job' },
} as const satisfies Rows;

export const signalOperations = {
  'signal.send': { route: 'POST /ojs/v1/signals', right: 'enqueue', queues: 'sent', payload: 'none' },
  'signal.list': { route: 'GET /ojs/v1/signals', right: 'list', queues: 'every', payload: 'none' },
  'job.wake': { route: 'POST /ojs/v1/admin/jobs/:id/wake', right: 'operate', queues: 'job' },
} as const satisfies Rows;

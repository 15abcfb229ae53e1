import type { Rows } from './row.ts';

export const bulkOperations = {
  'bulk.enqueue': { route: 'POST /ojs/v1/jobs/bulk', right: 'enqueue', queues: 'sent' },
  'bulk.cancel': { route: 'POST /ojs/v1/jobs/bulk/cancel', right: 'operate', queues: 'sent' },
  'bulk.retry': { route: 'POST /ojs/v1/jobs/bulk/retry', right: 'operate', queues: 'sent' },
  'bulk.delete': { route: 'POST /ojs/v1/jobs/bulk/delete', right: 'purge', queues: 'sent' },
  // An operation that deletes jobs also needs the right to purge.
  'bulk.start': { route: 'POST /ojs/v1/admin/bulk', right: 'operate', queues: 'sent' },
  'bulk.list': { route: 'GET /ojs/v1/admin/bulk', right: 'list', queues: 'shown' },
  'bulk.get': { route: 'GET /ojs/v1/admin/bulk/:id', right: 'list', queues: 'bulk' },
  'bulk.stop': { route: 'POST /ojs/v1/admin/bulk/:id/stop', right: 'operate', queues: 'bulk' },
  'bulk.resume': { route: 'POST /ojs/v1/admin/bulk/:id/resume', right: 'operate', queues: 'bulk' },
  'bulk.undo': { route: 'POST /ojs/v1/admin/bulk/:id/undo', right: 'operate', queues: 'bulk' },
  'deadLetter.list': { route: 'GET /ojs/v1/dead-letter', right: 'list', queues: 'sent' },
  'deadLetter.stats': {
    route: 'GET /ojs/v1/dead-letter/stats',
    also: ['GET /ojs/v1/admin/dead-letter/stats'],
    right: 'list',
    queues: 'every',
    payload: 'none',
  },
  'deadLetter.get': {
    route: 'GET /ojs/v1/dead-letter/:id',
    also: ['GET /ojs/v1/admin/dead-letter/:id'],
    right: 'list',
    queues: 'job',
  },
  'deadLetter.retryMany': {
    route: 'POST /ojs/v1/dead-letter/retry',
    also: ['POST /ojs/v1/admin/dead-letter/retry'],
    right: 'operate',
    queues: 'sent',
    filters: true,
  },
  'deadLetter.purge': {
    route: 'DELETE /ojs/v1/dead-letter',
    also: ['POST /ojs/v1/dead-letter/purge', 'DELETE /ojs/v1/admin/dead-letter'],
    right: 'purge',
    queues: 'sent',
    filters: true,
  },
  'deadLetter.retry': {
    route: 'POST /ojs/v1/dead-letter/:id/retry',
    also: ['POST /ojs/v1/admin/dead-letter/:id/retry'],
    right: 'operate',
    queues: 'job',
  },
  'deadLetter.delete': {
    route: 'DELETE /ojs/v1/dead-letter/:id',
    also: ['DELETE /ojs/v1/admin/dead-letter/:id'],
    right: 'purge',
    queues: 'job',
  },
  'admin.cancelJobs': { route: 'POST /ojs/v1/admin/jobs/bulk/cancel', right: 'operate', queues: 'sent' },
  'admin.retryJobs': { route: 'POST /ojs/v1/admin/jobs/bulk/retry', right: 'operate', queues: 'sent' },
  'admin.deleteJobs': { route: 'POST /ojs/v1/admin/jobs/bulk/delete', right: 'purge', queues: 'sent' },
  'admin.deadLetters': { route: 'GET /ojs/v1/admin/dead-letter', right: 'list', queues: 'sent' },
  // Messages of errors are contents of jobs.
  'admin.errors': { route: 'GET /ojs/v1/admin/errors', right: 'list', queues: 'sent', payload: 'none' },
} as const satisfies Rows;

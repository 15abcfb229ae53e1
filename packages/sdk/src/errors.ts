// In three files, because the first enqueue of a bundled client needs the first of them only.
export * from './errors/api.ts';
export * from './errors/base.ts';
export * from './errors/job.ts';

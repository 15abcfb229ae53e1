import type { Call } from './calls.ts';
import { queues } from './mix.ts';

const admin = '/ojs/v1/admin';
const search = (query: string, more = '') => `${admin}/jobs?per_page=20&q=${encodeURIComponent(query)}${more}`;
const states = ['available', 'scheduled', 'active', 'retryable', 'completed', 'discarded', 'cancelled'];

/** What the pages and commands of an operator ask first. */
export function callsOf(job: string): readonly Call[] {
  return [
    { what: 'overview', path: `${admin}/stats` },
    { what: 'history by minute', path: `${admin}/stats/history?period=1m` },
    { what: '/metrics', path: '/metrics' },
    { what: 'queues', path: `${admin}/queues` },
    { what: 'a queue', path: `${admin}/queues/${queues[0]}` },
    { what: 'jobs', path: `${admin}/jobs` },
    ...states.map((state) => ({ what: `jobs, ${state}`, path: `${admin}/jobs?state=${state}` })),
    { what: 'jobs of a queue and state', path: `${admin}/jobs?state=completed&queue=${queues[3]}` },
    { what: 'jobs of a type', path: `${admin}/jobs?type=shop.type-7` },
    { what: 'jobs of a seldom queue and state', path: `${admin}/jobs?state=completed&queue=seldom` },
    { what: 'jobs of a seldom type', path: `${admin}/jobs?type=shop.seldom` },
    { what: 'jobs of a seldom type and state', path: `${admin}/jobs?state=discarded&type=shop.seldom` },
    { what: 'a job', path: `${admin}/jobs/${job}` },
    { what: 'explain a job', path: `${admin}/jobs/${job}/explain` },
    { what: 'workers', path: `${admin}/workers` },
    { what: 'dead letter', path: `${admin}/dead-letter` },
    { what: 'dead letter, counts', path: `${admin}/dead-letter/stats` },
    { what: 'errors by fingerprint', path: `${admin}/errors?state=discarded` },
    { what: 'crons', path: '/ojs/v1/cron' },
    { what: 'workflows', path: '/ojs/v1/workflows' },
    { what: 'limits', path: '/ojs/v1/rate-limits' },
    { what: 'audit log', path: `${admin}/audit` },
    { what: 'tokens', path: `${admin}/tokens` },
    { what: 'events, newest of a rare kind', path: '/ojs/v1/events?types=queue.paused&order=desc&limit=20' },
    { what: 'search by state, queue, type', path: search(`state:completed queue:${queues[5]} type:shop.type-5`) },
    { what: 'search by message', path: search('state:discarded message:"Step a of order <n> failed"') },
    { what: 'search by id', path: search(`id:${job}`) },
  ];
}

/** Searches that no index answers, and that find nothing, so that they read all jobs. */
export const searches: readonly Call[] = [
  { what: 'search for an argument', path: search('args[0].user:999999999') },
  { what: 'search in raw error texts', path: search('error~"no such text anywhere"') },
];

/** What others ask meanwhile. */
export function beside(job: string): readonly Call[] {
  return [
    { what: 'health', path: '/ojs/v1/health' },
    { what: 'a job', path: `/ojs/v1/jobs/${job}` },
    { what: 'overview', path: `${admin}/stats` },
    { what: 'queues', path: `${admin}/queues` },
  ];
}

import { setTimeout as pause } from 'node:timers/promises';
import { ask, type Statuses } from '../memory/requests.ts';

export interface Target {
  readonly url: string;
  /** The secret of the hostile client, a producer and inspector. */
  readonly token: string;
  readonly statuses: Statuses;
  readonly isOver: () => boolean;
}

export interface Attack {
  readonly name: string;
  /** What comes before anything is measured. Answers what then runs until it is over. */
  prepare(target: Target): Promise<() => Promise<unknown>>;
}

export const attacks: readonly Attack[] = [
  { name: 'none', prepare: async () => async () => {} },
  { name: '100,000 queues', prepare: manyQueues },
  { name: 'a recursive schema, 1 MB beside it', prepare: async (target) => () => deepJobs(target) },
  { name: '30 searches at once', prepare: searches },
  { name: '10,000 subscriptions', prepare: subscriptions },
];

/** A tree whose nodes are told apart by a member that is checked after the child. */
export const recursiveSchema = {
  type: 'tree.save',
  version: 1,
  schema: {
    type: 'array',
    prefixItems: [{ $ref: '#/$defs/node' }],
    $defs: {
      node: {
        anyOf: [
          { type: 'string' },
          ...['sum', 'product', 'negate'].map((kind) => ({
            type: 'object',
            properties: { child: { $ref: '#/$defs/node' }, kind: { const: kind } },
            required: ['kind'],
          })),
        ],
      },
    },
  },
};

async function send({ url, token, statuses }: Target, what: string, path: string, body: object | null): Promise<void> {
  const options = { keep: false, headers: { authorization: `Bearer ${token}` } };
  const method = body === null ? 'GET' : 'POST';
  const { status } = await ask(url, method, path, body === null ? null : JSON.stringify(body), options);
  statuses.note(what, status);
}

async function manyQueues(target: Target): Promise<() => Promise<unknown>> {
  for (let batch = 0; batch < 10; batch++) {
    const jobs = Array.from({ length: 10_000 }, (_, at) => {
      return { type: 'a.b', args: [], options: { queue: `q${batch * 10_000 + at}` } };
    });
    await send(target, 'jobs of 10,000 queues', '/jobs/bulk', { jobs });
  }
  const paths = ['/queues/q1', '/admin/stats', '/admin/queues?limit=100', '/metrics', '/admin/stats/history'];
  const read = async (path: string) => {
    for (; !target.isOver(); await pause(200)) await send(target, path, path, null);
  };
  return () => Promise.all(paths.map(read));
}

async function deepJobs(target: Target): Promise<void> {
  let tree: unknown = 1;
  for (let level = 0; level < 30; level++) tree = { child: tree, kind: 'other' };
  const job = { type: recursiveSchema.type, args: [tree, 'z'.repeat(1_000_000)] };
  for (; !target.isOver(); await pause(10)) await send(target, 'deep job', '/jobs', job);
}

async function searches(target: Target): Promise<() => Promise<unknown>> {
  const numbers = Array.from({ length: 4_800 }, (_, at) => 'x'.repeat(190) + at);
  for (let job = 0; job < 64; job++) await send(target, 'job of 960 KB', '/jobs', { type: 'a.b', args: [numbers] });
  const q = Array.from({ length: 80 }, (_, at) => `args[0][${4_700 + at}]:x`).join(' OR ');
  const path = `/jobs?${new URLSearchParams({ q })}`;
  const search = async () => {
    for (; !target.isOver(); await pause(10)) await send(target, 'search', path, null);
  };
  return () => Promise.all(Array.from({ length: 30 }, search));
}

async function subscriptions(target: Target): Promise<() => Promise<unknown>> {
  const url = `${target.url.replace('http', 'ws')}/ojs/v1/ws`;
  const filter = { job_types: Array.from({ length: 99 }, (_, at) => `other.type${at}`) };
  const message = JSON.stringify({ action: 'subscribe', channel: 'events', filter });
  const bearer = `ojs.bearer.${Buffer.from(target.token).toString('base64url')}`;
  const sockets = Array.from({ length: 100 }, () => new WebSocket(url, ['ojs.v1', bearer]));
  let answers = 0;
  for (const socket of sockets) {
    socket.onopen = () => {
      for (let one = 0; one < 100; one++) socket.send(message);
    };
    socket.onmessage = ({ data }) => {
      const isSubscribed = `${data}`.includes('"subscribed"');
      if (!isSubscribed && !`${data}`.includes('"error"')) return;
      target.statuses.note('subscription', isSubscribed ? 200 : 429);
      answers += 1;
    };
  }
  while (answers < 10_000 && !target.isOver()) await pause(100);
  return async () => {
    while (!target.isOver()) await pause(100);
    for (const socket of sockets) socket.close();
  };
}

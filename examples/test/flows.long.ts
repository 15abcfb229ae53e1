import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');

const pages = {
  workflows: {
    'workflows/chain.ts': 'sent: true\n0 user.create: completed\n1 email.send: completed\n',
    'workflows/batch.ts': '1000\n1000\nThe job was discarded: Error: the file ends here\n[ 10, 10 ]\n',
    'workflows/dag.ts':
      'The workflow "etl" failed at step clean (data.clean), which was discarded: Error: row 2 is empty\nattempt 1: row 2 is empty\nattempt 2: row 2 is empty\n',
  },
  'workflow-results': { 'workflows/results.ts': '{ orders: 50 } { ordersPerUser: 2.5 }\n' },
  events: {
    'events/follow.ts':
      "job.enqueued email.send available\njob.started email.send active\njob.completed email.send completed\nthe job's last: job.completed\n",
  },
  'typed-jobs': {
    'typed-jobs/shared.ts': 'welcome-for-a@example.com\nwelcome-for-b@example.com reminder-for-c@example.com\n',
    'typed-jobs/checked.ts': "[ 'args[0].to' ]\n2026 1\n2\ndiscarded validation\n",
  },
  retries: {
    'retries/policy.ts':
      'charged at attempt 3\nattempt 1: Error: the bank does not answer\nattempt 2: Error: the bank does not answer\n',
    'retries/outcomes.ts': 'discarded after attempt 1: the user is gone\nready when asked 3 times, at attempt 1\n',
  },
  'failed-jobs': {
    'retries/dead-letter.ts': 'discarded after 2 attempts\npayment.charge TypeError a bug in the handler\ncharged\n',
  },
  'cancel-jobs': { 'cancel-jobs/running.ts': 'the job is cancelled\nthe handler of a.mp4 has stopped\n' },
  scheduling: {
    'scheduling/later.ts': 'scheduled scheduled 2099-12-24T17:00:00.000Z\ndiscarded expired\nsent to ada@example.com\n',
  },
  'unique-jobs': {
    'unique-jobs/once.ts':
      'created duplicate true\nrefused: true\nreport of 2026-01\nonce per hour: duplicate - one at a time: created\n',
  },
  priority: { 'priority/order.ts': 'avatar.png\nupload-1.png\nupload-2.png\nbacklog.png\n' },
  cron: {
    'cron/tick.ts': '@every 1s UTC skip\nmade: sales\ndaily-report true\ntick true\n',
    'cron/typed.ts': 'reports EU\nnull\n[ 2026-03-30T05:30:00.000Z, 2026-03-31T05:30:00.000Z ]\n',
  },
  steps: {
    'steps/order.ts': 'the handler starts\ncharging\nthe handler starts\nshipping\nreceipt of o-17\n',
    'steps/approval.ts': 'asking for p-17\npaying p-17\napproved by ann\n',
    'steps/drip.ts': 'mail: welcome\nleft after welcome\n',
  },
  limits: { 'limits/per-customer.ts': 'customer:acme used 10 waiting 2\ncustomer:zeta used 1 waiting 0\n' },
  'choosing-limits': {
    'limits/concurrency.ts': '10 slots in the worker, 2 in the limit: never more than two at once: true\n',
  },
} as const;

test.each(Object.entries(pages))(
  'the guide of %s shows programs that run, with their output',
  async (page, programs) => {
    const text = read(`docs/guides/${page}.md`);
    for (const [program, output] of Object.entries(programs)) {
      expect(text).toContain(`\`\`\`ts\n${read(`examples/${program}`)}\`\`\`\n\n\`\`\`text\n${output}\`\`\``);
      await using server = await startServer({ storage: 'sqlite:', port: 0, log: false });
      const { stdout } = await run(process.execPath, [resolve(root, 'examples', program)], {
        env: { ...process.env, OJS_BACKEND_URL: server.url },
      });
      expect(stdout).toBe(output);
    }
  },
);

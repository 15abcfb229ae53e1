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
  events: {
    'events/follow.ts':
      "job.enqueued email.send available\njob.started email.send active\njob.completed email.send completed\nthe job's last: job.completed\n",
  },
  'typed-jobs': {
    'typed-jobs/shared.ts': 'welcome-for-a@example.com\nwelcome-for-b@example.com reminder-for-c@example.com\n',
    'typed-jobs/checked.ts': "[ 'args[0].to' ]\n2026 1\n2\ndiscarded validation\n",
  },
  retries: {
    'retries/outcomes.ts':
      'charged at attempt 3\nattempt 1: Error: the bank does not answer\nattempt 2: Error: the bank does not answer\ndiscarded after attempt 1: the user is gone\nready when asked 3 times, at attempt 1\n',
    'retries/dead-letter.ts': 'discarded after 2 attempts\npayment.charge TypeError a bug in the handler\ncharged\n',
  },
  cron: {
    'cron/tick.ts': '@every 1s UTC skip\nmade: sales\ndaily-report true\ntick true\n',
    'cron/typed.ts': 'reports EU\nnull\n[ 2026-03-30T05:30:00.000Z, 2026-03-31T05:30:00.000Z ]\n',
  },
  limits: {
    'limits/shared.ts':
      'six jobs, never more than two at once: true\ntenant:acme may run 0 jobs\ntenant:acme may run 2 jobs\nthe queue mail: 100 starts in PT1M and 10 at once\n',
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

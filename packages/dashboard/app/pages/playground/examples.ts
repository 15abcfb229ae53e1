export type Kind = 'job' | 'workflow' | 'cron';

export interface Example {
  readonly name: string;
  readonly about: string;
  readonly text: string;
}

/** The examples to begin with. The worker of `npm start` knows the types. */
export const examples: Readonly<Record<Kind, readonly [Example, ...Example[]]>> = {
  job: [
    {
      name: 'Plain job',
      about: 'A job needs only a type and args.',
      text: `{
  "type": "hello",
  "args": ["world"]
}`,
    },
    {
      name: 'Retry policy',
      about: 'Fails twice, then succeeds. The retries follow after one and two seconds.',
      text: `{
  "type": "demo.flaky",
  "args": [],
  "options": {
    "retry": {
      "max_attempts": 5,
      "initial_interval": "PT1S",
      "backoff_coefficient": 2,
      "jitter": false
    }
  }
}`,
    },
    {
      name: 'Dead letter',
      about: 'Always fails. After its last attempt it goes to the dead letter, where you can retry it.',
      text: `{
  "type": "demo.doomed",
  "args": [],
  "options": {
    "retry": {
      "max_attempts": 2,
      "initial_interval": "PT1S",
      "jitter": false,
      "on_exhaustion": "dead_letter"
    }
  }
}`,
    },
    {
      name: 'Delayed job',
      about: 'Becomes available after five seconds. An absolute time works too, such as 2031-01-01T09:00:00Z.',
      text: `{
  "type": "hello",
  "args": ["from the past"],
  "options": {
    "scheduled_at": "+PT5S"
  }
}`,
    },
    {
      name: 'Unique job',
      about: 'Runs for ten seconds. Send it twice: the server refuses the second job until the first has ended.',
      text: `{
  "type": "demo.slow",
  "args": [10],
  "options": {
    "unique": {
      "keys": ["type", "args"],
      "on_conflict": "reject"
    }
  }
}`,
    },
    {
      name: 'Progress and cancellation',
      about: 'Reports its progress for twenty seconds. Cancel it while it runs.',
      text: `{
  "type": "demo.slow",
  "args": [20]
}`,
    },
  ],
  workflow: [
    {
      name: 'Chain',
      about: 'Steps run one after the other. Each step gets the results of the steps before it.',
      text: `{
  "type": "chain",
  "name": "one after the other",
  "steps": [
    { "type": "hello", "args": ["first"] },
    { "type": "demo.slow", "args": [2] },
    { "type": "hello", "args": ["last"] }
  ]
}`,
    },
    {
      name: 'Group',
      about: 'Jobs run at the same time. The group completes with its last job.',
      text: `{
  "type": "group",
  "name": "all at once",
  "jobs": [
    { "type": "hello", "args": ["here"] },
    { "type": "hello", "args": ["there"] },
    { "type": "demo.slow", "args": [3] }
  ]
}`,
    },
    {
      name: 'Group with callbacks (batch)',
      about: 'Jobs run at the same time, then a callback. demo.doomed fails, so the callback is on_failure.',
      text: `{
  "type": "batch",
  "name": "with callbacks",
  "jobs": [
    { "type": "hello", "args": ["here"] },
    {
      "type": "demo.doomed",
      "args": [],
      "options": { "retry": { "max_attempts": 1 } }
    }
  ],
  "callbacks": {
    "on_complete": { "type": "hello", "args": ["all have ended"] },
    "on_success": { "type": "hello", "args": ["all is well"] },
    "on_failure": { "type": "hello", "args": ["not all is well"] }
  }
}`,
    },
  ],
  cron: [
    {
      name: 'Each minute',
      about: 'Enqueues a job every minute until you delete the cron job. Sending the same name again changes it.',
      text: `{
  "name": "playground-minute",
  "cron": "* * * * *",
  "timezone": "UTC",
  "type": "hello",
  "args": ["from the cron"]
}`,
    },
    {
      name: 'Every ten seconds',
      about: 'An expression of six fields begins with seconds.',
      text: `{
  "name": "playground-seconds",
  "cron": "*/10 * * * * *",
  "type": "hello",
  "args": ["again"]
}`,
    },
    {
      name: 'Weekdays at nine',
      about: 'Runs in any time zone, even when clocks change. A run is skipped if the previous one has not finished.',
      text: `{
  "name": "playground-morning",
  "cron": "0 9 * * MON-FRI",
  "timezone": "Europe/Berlin",
  "overlap_policy": "skip",
  "type": "hello",
  "args": ["good morning"]
}`,
    },
  ],
};

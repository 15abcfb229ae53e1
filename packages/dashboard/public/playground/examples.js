/**
 * @typedef {'job' | 'workflow' | 'cron'} Kind
 * @typedef {{ readonly name: string, readonly about: string, readonly text: string }} Example
 */

/** What to begin with. The worker of `npm start` knows the types. @type {{ readonly [kind in Kind]: readonly Example[] }} */
export const examples = {
  job: [
    {
      name: 'Plain job',
      about: 'Type and args are all that a job needs.',
      text: `{
  "type": "hello",
  "args": ["world"]
}`,
    },
    {
      name: 'Retry policy',
      about: 'Fails twice and succeeds at the third attempt, a second and then two later.',
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
      about: 'Never succeeds. Out of attempts it goes to the dead letter, from where it can be sent back.',
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
      about: 'Waits for five seconds before a worker may have it. A time such as 2031-01-01T09:00:00Z does as well.',
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
      about: 'Runs for ten seconds. Send it twice: the second is refused as long as the first has not ended.',
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
      name: 'Progress, to be cancelled',
      about: 'Tells how far it is for twenty seconds. Cancel it on the way.',
      text: `{
  "type": "demo.slow",
  "args": [20]
}`,
    },
  ],
  workflow: [
    {
      name: 'Chain',
      about: 'One after the other: each step has the results of those before it.',
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
      about: 'All at once; it is complete when the last of them is.',
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
      about: 'All at once, and then a job that depends on how it went. demo.doomed fails, so on_failure is sent.',
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
      about:
        'A job at the beginning of each minute, until you delete the cron. Sent again under the same name it is changed.',
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
      about: 'Six fields begin with the second.',
      text: `{
  "name": "playground-seconds",
  "cron": "*/10 * * * * *",
  "type": "hello",
  "args": ["again"]
}`,
    },
    {
      name: 'Weekdays at nine',
      about:
        'In a time zone of your choice, right at every change of the clocks. A run is skipped while the one before it has not ended.',
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

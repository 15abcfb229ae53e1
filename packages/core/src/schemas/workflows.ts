import type { workflowOperations } from '../operations/workflows.ts';
import { checked, cronMembers, moment, optional, workflow } from './members.ts';
import { afterPage, flag, limit, page, text, whole } from './parameters.ts';
import type { Requests } from './request.ts';
import { parentMember } from './steps.ts';
import { Type } from './type.ts';

/** Any white space may separate its fields, which other texts may not have. */
const expression = (description: string) => checked(() => true, 'a string', { description });

export const workflowRequests = {
  'workflow.create': { summary: 'Start a workflow', body: { schema: () => workflow({ parent: parentMember() }) } },
  'workflow.list': {
    summary: 'Workflows, in pages',
    query: { ...page, state: text('Only workflows in this state.') },
  },
  'workflow.get': { summary: 'One workflow with its steps' },
  'workflow.cancel': { summary: 'Cancel a workflow', audit: 'workflow.cancelled' },
  'workflow.retry': { summary: 'Retry the failed steps of a workflow', audit: 'workflow.retried' },
  'workflow.rerun': { summary: 'Start a new workflow with the same steps', audit: 'workflow.rerun' },
  'workflow.results': {
    summary: 'Results of the jobs of a workflow, in pages',
    query: {
      after: afterPage(),
      limit: whole('The most jobs of one page, at most 500.'),
    },
  },
  'workflow.progress': { summary: 'Progress of a workflow' },
  'workflow.graph': { summary: 'Nodes of a workflow with their states, and what each one waits for' },
  'cron.list': {
    summary: 'All cron jobs',
    query: { ...page, enabled: flag('Only cron jobs that run, or only those that do not.') },
  },
  'cron.register': {
    summary: 'Register a cron job, or update it',
    audit: 'cron.registered',
    body: { unknown: 'warn', schema: () => Type.Object(cronMembers()) },
  },
  'cron.preview': {
    summary: 'The next runs of an expression, without registering it',
    body: {
      unknown: 'refuse',
      schema: () =>
        Type.Object(
          optional({
            expression: expression('A cron expression, or `@daily` and the like.'),
            cron: expression('Another name of `expression`.'),
            schedule: expression('Another name of `expression`.'),
            timezone: Type.String({ description: 'IANA time zone, `UTC` by default.' }),
            count: Type.Integer({ minimum: 1, description: 'Runs that are shown, 10 by default.' }),
            from: moment('Runs after this time; now by default.'),
          }),
        ),
    },
  },
  'cron.get': { summary: 'One cron job' },
  'cron.update': {
    summary: 'Change members of a cron job and keep the others',
    audit: 'cron.changed',
    body: { unknown: 'own', schema: () => Type.Object(optional(cronMembers())) },
  },
  'cron.remove': { summary: 'Delete a cron job', audit: 'cron.removed' },
  'cron.runs': {
    summary: 'The next runs of a cron job',
    query: { limit, per_page: page.per_page, from: moment('Runs after this RFC 3339 time; now by default.') },
  },
  'cron.trigger': { summary: 'Enqueue a run now', audit: 'cron.triggered' },
  'cron.pause': { summary: 'Pause a cron job', audit: 'cron.paused' },
  'cron.resume': { summary: 'Resume a cron job', audit: 'cron.resumed' },
} as const satisfies Requests<keyof typeof workflowOperations>;

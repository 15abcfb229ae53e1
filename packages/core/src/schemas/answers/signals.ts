import { signalOutcomes } from '../../durable/signal.ts';
import { changed } from './jobs.ts';
import * as t from './parts.ts';

export const signalAnswers = {
  'signal.send': t.answer({
    signals: t.list(
      t.object({
        status: t.count('200; 404 for no such job, 409 if it has ended, 413 or 429.'),
        id: t.text(),
        outcome: t.maybe(t.oneOf(signalOutcomes)),
        job_id: t.maybe(t.text('The job that waits, or whose mailbox it is.')),
        error: t.maybe(t.ErrorBody),
      }),
    ),
  }),
  'job.wake': changed,
};

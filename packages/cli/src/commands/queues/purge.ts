import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import { type Item, numberIn } from '../../output/cells.ts';
import { confirmed } from '../../output/confirm.ts';
import { plain } from '../../output/plain.ts';
import { jobs } from '../bulk/follow.ts';
import { type Args, interruptible, serverCommand } from '../command.ts';
import { flag, needed, past } from '../flags.ts';
import { states } from '../jobs/filter.ts';

const flags = {
  state: needed(flag('--state <states>', 'states of the jobs, separated by commas: all but active', states)),
  older_than: flag('--ended-before <time>', 'only jobs that finished before a time, or longer ago than 7d', past),
};

/** `ojs queues purge`: jobs of a queue, for good. */
export function purgeCommand(args: Args): Command {
  const takes = { args, flags, also: ['yes', 'json'] as const };
  const about = 'delete the jobs of a queue in the given states';
  return serverCommand('purge', about, takes, async (server, { state, older_than, ...common }, name = '') => {
    const states = state.join(',');
    await confirmed(`Shall I delete the jobs of the queue ${plain(name)} that are ${states}?`, common);
    // The same twice: the specification has a body, which some proxies take from a DELETE.
    const query = { states, confirm: 'true', older_than };
    const body = JSON.stringify({ states: state, confirm: true, older_than });
    let deleted = 0;
    const sum = (when: string) => `${jobs(deleted)} deleted${when}.`;
    using _ = interruptible(() =>
      console.error(`ojs queues purge: interrupted. ${sum(' so far')} The last request may delete more.`),
    );
    try {
      for (let more = true; more; ) {
        const { text } = await server.change({ operation: 'queue.purge', params: { name }, query, body });
        const answer: Item = JSON.parse(text);
        const count = numberIn(answer, 'purged_count');
        deleted += count;
        more = answer.has_more === true && count > 0;
      }
    } catch (error) {
      if (deleted === 0 || !(error instanceof Failure)) throw error;
      throw new Failure(error.kind, `${error.message} ${sum(' before that')}`, error.advice);
    }
    console.log(common.json ? JSON.stringify({ deleted }) : sum(''));
  });
}

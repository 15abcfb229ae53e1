import { useEffect, useRef } from 'react';
import { useSearchTexts } from '../../search.ts';
import { Button, Empty } from '../../ui/index.ts';
import { FollowCron } from './follow-cron.tsx';
import { FollowJob } from './follow-job.tsx';
import { FollowWorkflow } from './follow-workflow.tsx';
import { isSame, searchOf, sent, type Target, targetOf } from './targets.ts';

const followers = { job: FollowJob, workflow: FollowWorkflow, cron: FollowCron };

/** Follows the jobs, workflows and crons that were sent. */
export function Follow() {
  const { search } = useSearchTexts();
  const target = targetOf(search);
  const heading = useRef<HTMLHeadingElement>(null);
  const key = target === null ? '' : `${target.kind} ${target.id}`;
  // If the cards are below each other, the events would be out of sight.
  useEffect(() => {
    const shown = heading.current;
    if (key !== '' && shown !== null && shown.getBoundingClientRect().bottom > innerHeight) shown.scrollIntoView();
  }, [key]);
  const Follower = target === null ? null : followers[target.kind];
  return (
    <section className="card" aria-label="What happens">
      <h2 ref={heading}>What happens</h2>
      <SentList current={target} />
      {target === null || Follower === null ? (
        <Empty title="Nothing sent yet">
          <p>Send a job, a workflow or a cron job: its events appear here.</p>
          <p>
            A job waits until a worker that knows its type fetches it. In a clone of ojs-ts, <code>npm start</code> runs
            one for the examples.
          </p>
        </Empty>
      ) : (
        <Follower key={key} target={target} />
      )}
    </section>
  );
}

function SentList({ current }: { readonly current: Target | null }) {
  const { change } = useSearchTexts();
  const all = sent.useValue();
  if (all.length < 2) return null;
  return (
    <nav className="row" aria-label="Sent from this page">
      {all.map((one) => (
        <Button
          key={`${one.kind} ${one.id}`}
          size="small"
          title={one.id}
          aria-current={isSame(one, current)}
          onClick={() => change(searchOf(one))}
        >
          <span className="sent-name">{one.name}</span>
          <span className="soft">{one.kind === 'cron' ? 'cron' : one.id.slice(-6)}</span>
        </Button>
      ))}
    </nav>
  );
}

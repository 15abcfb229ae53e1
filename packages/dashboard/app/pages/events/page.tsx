import { eventKinds } from '@ojs-ts/core/events';
import { ChooseQueue } from '../../access/choose-queue.tsx';
import { useEveryQueue } from '../../api/session.ts';
import { useSearchTexts } from '../../search.ts';
import { Button } from '../../ui/button.tsx';
import { CopyAs, quote } from '../../ui/copy.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Filters } from './filters.tsx';
import { History } from './history.tsx';
import { Tail } from './tail.tsx';

export function Page() {
  const { search, change } = useSearchTexts();
  const isWhole = search.all === 'yes';
  const filter = {
    types: kindsOf(search.types) ?? (isWhole ? undefined : usual),
    queues: search.queues,
    job_types: search.job_types,
  };
  const mustChoose = !useEveryQueue() && search.queues === undefined;
  const isReplay = search.after !== undefined;
  const flags = [
    ...(search.types === undefined || filter.types === undefined ? [] : [`--type ${quote(filter.types)}`]),
    ...(filter.queues === undefined ? [] : [`--queue ${quote(filter.queues)}`]),
  ];
  return (
    <Frame
      title="Events"
      lead={isReplay ? 'The log from one event on, oldest first.' : 'What happens, newest first.'}
      actions={
        <>
          {isReplay && (
            <Button size="small" onClick={() => change({ after: undefined })}>
              Back to now
            </Button>
          )}
          <CopyAs
            operation="event.list"
            options={{ query: { ...filter, order: 'desc' } }}
            command={['events tail', ...flags].join(' ')}
            code="for await (const event of client.events()) console.log(event.type);"
          />
        </>
      }
    >
      <Filters />
      {mustChoose ? (
        <ChooseQueue to="/events" searchFor={(queues) => ({ ...search, queues })} />
      ) : search.after === undefined ? (
        <Tail filter={filter} />
      ) : (
        <History filter={filter} after={search.after} />
      )}
    </Frame>
  );
}

/** Reports of running jobs and of workers would leave no room for anything else. */
const frequent = /\.(?:heartbeat|progress)$/;
const usual = eventKinds.filter((kind) => !frequent.test(kind)).join(',');

/** The server takes whole kinds; `job.` selects all that begin so. */
function kindsOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const asked = text.split(/[\s,]+/).filter((one) => one !== '');
  const kinds = asked.flatMap((one) => {
    const beginning = one.replace(/\*$/, '');
    const found = eventKinds.filter((kind) => (one === beginning ? kind === one : kind.startsWith(beginning)));
    return found.length > 0 ? found : [one];
  });
  return kinds.length === 0 ? undefined : [...new Set(kinds)].join(',');
}

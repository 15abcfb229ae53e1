import { emailWelcome } from '../jobs.ts';
import { ojs } from '../ojs.ts';
import { sendWelcome } from './actions.ts';

interface Props {
  readonly searchParams: Promise<{ readonly job?: string | string[] }>;
}

export default async function Page({ searchParams }: Props) {
  const { job: id } = await searchParams;
  const job = typeof id === 'string' ? await ojs.client.getJob(emailWelcome, id) : null;
  return (
    <main>
      <h1>Send a welcome</h1>
      <form action={sendWelcome}>
        <label>
          To <input name="to" type="email" defaultValue="ada@example.com" required />
        </label>{' '}
        <label>
          Name <input name="name" defaultValue="Ada" required />
        </label>{' '}
        <button type="submit">Send</button>
      </form>
      {job !== null && (
        <p>
          Job {job.id} is {job.state}. <a href={`/?job=${job.id}`}>Look again</a>
        </p>
      )}
    </main>
  );
}

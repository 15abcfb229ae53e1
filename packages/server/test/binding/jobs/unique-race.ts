import { Agent, request } from 'node:http';
import { startServer } from '../../../src/main.ts';

export interface Race {
  readonly created: number;
  readonly duplicates: number;
  /** Ids that the refused were told holds the key. */
  readonly winners: ReadonlySet<string>;
  readonly winner: string;
}

/** Races of `producers` enqueues over HTTP, each for a key of its own round; every one waits for the round before. */
export async function* races(storage: string, producers: number, rounds: number): AsyncGenerator<Race> {
  await using server = await startServer({ storage, host: '127.0.0.1', port: 0, log: false });
  const agent = new Agent({ keepAlive: true, maxSockets: producers });
  try {
    for (let round = 0; round < rounds; round++) {
      const body = JSON.stringify({
        type: 'unique.race',
        args: [round],
        options: { unique: { keys: ['type', 'args'] } },
      });
      const answers = await Promise.all(Array.from({ length: producers }, () => post(server.url, agent, body)));
      const created = answers.filter(({ status }) => status === 201);
      const refused = answers.filter(({ status }) => status === 409);
      yield {
        created: created.length,
        duplicates: refused.length,
        winners: new Set(refused.map(({ text }) => JSON.parse(text).error.details.existing_job_id)),
        winner: JSON.parse(created[0]?.text ?? '{"job":{}}').job.id,
      };
    }
  } finally {
    agent.destroy();
  }
}

function post(url: string, agent: Agent, body: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    const call = request(`${url}/ojs/v1/jobs`, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}

// A child process: follows the channel of everything as a plain reader of Server-Sent Events, and counts.
import { get } from 'node:http';
import type { SubscriberCounts } from './subscriber-counts.ts';

function follow(url: string): void {
  let events = 0;
  let dropped = 0;
  let rest = '';
  const request = get(`${url}/ojs/v1/events/stream?channel=all`, (response) => {
    if (response.statusCode !== 200) return fail(new Error(`the stream was answered with ${response.statusCode}`));
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('event: ')) events++;
        else if (line.startsWith(':events-dropped ')) dropped += Number(line.slice(':events-dropped '.length));
      }
    });
    response.on('error', fail);
    process.send?.({ ready: true });
  });
  request.on('error', fail);
  process.once('message', () => {
    // The end of the connection is no failure then.
    request.off('error', fail).on('error', () => {});
    const counts: SubscriberCounts = { events, dropped };
    process.send?.({ counts }, undefined, {}, () => process.exit());
  });
}

function fail(error: Error): void {
  process.send?.({ error: error.message }, undefined, {}, () => process.exit(1));
}

process.once('message', (url: string) => follow(url));

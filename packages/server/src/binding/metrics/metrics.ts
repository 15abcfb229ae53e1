import { didYouMean, ProtocolError } from '@ojs-ts/core';
import type { Parts } from '../../engine/engine.ts';
import { turn } from '../../engine/page-size.ts';
import type { Family } from '../../engine/telemetry/series.ts';
import type { About, BindingRequest, Handlers } from '../handler.ts';
import { pieced } from '../pieces.ts';
import type { Reply } from '../reply.ts';
import { exposition } from './exposition.ts';
import { type Chosen, chosenBy, chosenByName, formatNames } from './media-type.ts';
import { serverSeries } from './server-series.ts';
import { storeSeries } from './store-series.ts';

type Engine = Parts<
  | 'answers'
  | 'maintenance'
  | 'memory'
  | 'queues'
  | 'requests'
  | 'searches'
  | 'settlementRequests'
  | 'storage'
  | 'storeHealth'
  | 'storeReadings'
  | 'telemetry'
>;

export const metricsHandlers: Handlers<'system.metrics'> = { 'system.metrics': metrics };

/** GET /metrics (ojs-observability §8). If its store is unreachable, a server still reports its own figures. */
async function metrics(engine: Engine, { accept, query }: BindingRequest, about: About): Promise<Reply> {
  const { format, mediaType } = chosen(query.format, accept);
  const reading = await engine.storeReadings.latest();
  const up: Family = {
    name: 'ojs_store_up',
    help: 'Whether the store has answered this scrape.',
    kind: 'gauge',
    samples: [{ labels: {}, value: Number(reading !== null) }],
  };
  const families = [up, ...(reading === null ? [] : storeSeries(reading)), ...serverSeries(engine, about)];
  const reply = await pieced(engine, inTurns(exposition(families, format)));
  return { ...reply, headers: { 'content-type': mediaType } };
}

/** With 2,000 pairs of queue and type the answer has 10 MB, which take 100 ms. */
async function* inTurns(pieces: Iterable<string>): AsyncGenerator<string> {
  for (const piece of pieces) {
    yield piece;
    await turn();
  }
}

function chosen(name: string | undefined, accept: string | undefined): Chosen {
  if (name === undefined || name === '') return chosenBy(accept);
  const named = chosenByName(name);
  if (named !== null) return named;
  const message = `must be one of ${formatNames.join(', ')}.${didYouMean(name, formatNames)}`;
  throw ProtocolError.invalid([{ path: 'query.format', message }]);
}

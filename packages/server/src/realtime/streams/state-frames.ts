import type { Json } from '@ojs-ts/core/job';
import type { Sink, Target } from './connection.ts';

/** One event of a stream that shows a state, or a summary. */
export interface StateFrame {
  readonly name: string;
  readonly id: string;
  /** On one line. */
  readonly data: Json;
}

const to: Target = { channel: '', subscriptionId: null };

/** Writes until the frames end. A slow reader misses intermediate frames, never the last one. */
export async function writeFrames(sink: Sink, frames: AsyncIterable<StateFrame>): Promise<void> {
  for await (const frame of frames) await sink.write([{ to, message: { ...frame, at: 0 }, dropped: null }]);
  sink.end();
}

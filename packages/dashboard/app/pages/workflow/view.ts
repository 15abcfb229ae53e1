import type { Box } from './boxes.ts';
import type { Places } from './layout.ts';
import { boxHeight, boxWidth } from './use-layout.ts';

/** The smallest zoom at which the text of a box can be read: 11 pixels. */
export const readable = 0.8;

const padding = 24;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of the whole graph, in pixels. */
export function sizeOf(places: Places): Size {
  const all = Object.values(places);
  return {
    width: Math.max(0, ...all.map(({ x }) => x)) + boxWidth,
    height: Math.max(0, ...all.map(({ y }) => y)) + boxHeight,
  };
}

/**
 * The place and the zoom of the whole graph in a frame; of a larger graph those of what has failed, runs, or begins.
 */
export function viewOf(
  places: Places,
  boxes: readonly Box[],
  frame: Size,
): { readonly x: number; readonly y: number; readonly zoom: number } {
  const { width, height } = sizeOf(places);
  const whole = Math.min(1, (frame.width - 2 * padding) / width, (frame.height - 2 * padding) / height);
  if (whole >= readable)
    return { x: (frame.width - width * whole) / 2, y: (frame.height - height * whole) / 2, zoom: whole };
  const first = ['failed', 'discarded', 'active', 'retryable'].flatMap(
    (state) => boxes.find(({ counts }) => (counts[state] ?? 0) > 0) ?? [],
  )[0];
  const { x, y } = places[(first ?? boxes[0])?.id ?? ''] ?? { x: 0, y: 0 };
  const zoom = readable;
  // Nothing is shown beyond the edges, where the graph is longer than the frame.
  const within = (at: number, size: number, room: number): number =>
    size * zoom + 2 * padding <= room
      ? (room - size * zoom) / 2
      : Math.min(padding, Math.max(room - size * zoom - padding, room / 2 - at * zoom));
  return {
    x: within(x + boxWidth / 2, width, frame.width),
    y: within(y + boxHeight / 2, height, frame.height),
    zoom,
  };
}

import { useLive } from '../live/refresh.ts';
import type { LiveState } from '../live/stream.ts';

const texts: Readonly<Record<LiveState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  paused: 'Paused',
  offline: 'Offline',
  refused: 'Not live',
};

export function LiveIndicator() {
  const { state } = useLive();
  return (
    <span className="live" data-state={state} role="status">
      {texts[state]}
    </span>
  );
}

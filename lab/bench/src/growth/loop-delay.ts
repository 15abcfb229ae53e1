// Loaded before `ojs serve`: on request answers for how long the event loop was blocked at most since the last request,
// in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', (message) => {
  if (message !== 'blocked') return;
  process.send?.(delay.max / 1e6);
  delay.reset();
});
// The server ends by itself, as without this.
process.channel?.unref();

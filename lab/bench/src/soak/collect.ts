// Loaded before `ojs serve`: on request collects garbage and tells what memory is left.
import type { Collected } from './sample.ts';

process.on('message', (message) => {
  if (message !== 'collect') return;
  const before = process.memoryUsage.rss();
  // An ordinary collection keeps the pages that it has emptied.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { rss, heapUsed } = process.memoryUsage();
  const collected: Collected = { before, rss, heapUsed };
  process.send?.(collected);
});
// The server ends by itself, as without this.
process.channel?.unref();

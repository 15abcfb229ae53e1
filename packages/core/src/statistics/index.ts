/** Sums and histograms by minute. */
import '../require-node.ts';

export * from './histogram.ts';
export * from './queue-sums.ts';
export * from './statistics.ts';

/**
 * Tests of the laboratory that kill and stop servers and measure how long others stand still, or hold a load to its
 * limit: beside others they would measure those.
 */
export const alone: readonly string[] = [
  'lab/{failures/{black-hole,lost-poll,nodes,store-away},clocks/clocks,races/limits}.lab.ts',
  'lab/failover/{postgres,redis}.lab.ts',
  'lab/chaos/test/chaos.lab.ts',
];

/** The true clocks and timers of the process, taken before `globals.ts` replaces them. */
export const real = {
  setImmediate,
  setTimeout,
  setInterval,
  clearImmediate,
  clearTimeout,
  clearInterval,
  Date,
  random: Math.random,
  now: performance.now.bind(performance),
};

/** Resolves in a later round of the true event loop, when all microtasks have run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    real.setImmediate(resolve);
  });
}

/** Asks every 20 ms until the answer is yes. The test's own timeout ends a wait that is in vain. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The most that were inside at the same time. A guest leaves when `room` have been inside together. */
export function roomFor(room: number): { enter(): Promise<void>; readonly most: number } {
  const full = Promise.withResolvers<void>();
  let inside = 0;
  let most = 0;
  return {
    async enter() {
      most = Math.max(most, ++inside);
      if (inside >= room) full.resolve();
      await full.promise;
      await new Promise(setImmediate);
      inside -= 1;
    },
    get most() {
      return most;
    },
  };
}

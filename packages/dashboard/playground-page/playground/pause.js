/** Longest wait before the next try, in milliseconds. */
const maxWaitMs = 10_000;

/** The wait before the try after that which followed `waitMs`, in milliseconds. @param {number} waitMs @returns {number} */
export function nextWait(waitMs) {
  return Math.min(maxWaitMs, Math.max(500, waitMs * 2));
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

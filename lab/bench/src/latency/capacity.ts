/** Whether a queue keeps up with a rate, in jobs a second. */
export type Probe = (rate: number, seconds: number) => Promise<boolean>;

const mostRatio = 1.1;
/** Of a short probe to the one that decides. */
const shortShare = 1 / 6;
const stepDown = 0.93;

/**
 * The highest rate that a queue keeps up with for so long, within a tenth; 0 where it does not even keep up with one
 * job a second. Short probes find where it is about, and one of the whole length decides.
 */
export async function capacityOf(probe: Probe, start: number, seconds: number): Promise<number> {
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  for (let rate = start; rate > low && rate < high && high > low * mostRatio; ) {
    if (await probe(rate, Math.max(1, seconds * shortShare))) low = rate;
    else high = rate;
    rate = Math.floor(high === Number.POSITIVE_INFINITY ? low * 2 : low === 0 ? high / 2 : Math.sqrt(low * high));
  }
  for (let rate = low; rate >= 1; rate = Math.floor(rate * stepDown)) if (await probe(rate, seconds)) return rate;
  return 0;
}

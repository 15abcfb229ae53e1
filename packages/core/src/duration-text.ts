const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * The ISO 8601 form in hours, minutes and seconds, such as PT0.1S or PT36H: other implementations must read these components, days only should.
 * @param ms a duration of 0 or more; parts of a millisecond are rounded.
 */
export function formatDuration(ms: number): string {
  const whole = Math.round(ms);
  const hours = Math.floor(whole / hour);
  const minutes = Math.floor((whole % hour) / minute);
  const seconds = (whole % minute) / second;
  const text = `${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${seconds > 0 ? `${seconds}S` : ''}`;
  return `PT${text === '' ? '0S' : text}`;
}

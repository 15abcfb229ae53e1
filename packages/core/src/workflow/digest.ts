/**
 * 64 bits of a text (after FNV-1a, with two primes): tells a repeated request from another one under the same id. Whoever forges one fools only himself.
 */
export function digest(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  // Four characters a step: one by one it was 2.2 µs for a job of 300, the dearest single thing about a group.
  for (let at = 0; at < text.length; at += 4) {
    const pair = text.charCodeAt(at) ^ (text.charCodeAt(at + 1) << 8);
    const code = pair ^ (text.charCodeAt(at + 2) << 16) ^ (text.charCodeAt(at + 3) << 24);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}

import type { Clock } from './time/clock.ts';

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Lower-case UUIDv7 only: upper case, other versions and '' are refused (ojs-core §5.1). */
export function isUuidv7(text: unknown): text is string {
  return typeof text === 'string' && pattern.test(text);
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const pool = new Uint8Array(4096);
let used = pool.length;

function format(ms: number, b: (index: number) => number): string {
  const time = ms.toString(16).padStart(12, '0');
  const h = (index: number) => hex[b(index) & 0xff];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex[b(0) & 0x0f]![1]}${h(1)}-${hex[0x80 | (b(2) & 0x3f)]}${h(3)}-${h(4)}${h(5)}${h(6)}${h(7)}${h(8)}${h(9)}`;
}

/**
 * A new UUIDv7 (RFC 9562 §5.7): 48 bits of time, 74 random bits drawn from a pool, because a call of getRandomValues
 * for each id is ten times slower.
 */
export function uuidv7(clock?: Clock): string {
  const at = drawn();
  return format(clock ? clock.now() : Date.now(), (index) => pool[at + index]!);
}

/** The place of ten random bytes in the pool. */
function drawn(): number {
  if (used + 10 > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += 10;
  return used - 10;
}

/**
 * A new id for a job of the queue: 16 of its random bits are a hash of the queue's name, see {@link isIdIn}. The other
 * 58 keep the ids of one queue and millisecond apart.
 */
export function uuidIn(queue: string): string {
  const at = drawn();
  const mark = markOf(queue);
  return format(Date.now(), (index) => (index === 3 ? mark >> 8 : index === 4 ? mark : pool[at + index]!));
}

/**
 * Reports whether an id was made for a job of the queue, so that no job of another queue has it. One in 65,536 of
 * all other ids looks the same.
 */
export function isIdIn(id: string, queue: string): boolean {
  return Number.parseInt(id.slice(21, 23) + id.slice(24, 26), 16) === markOf(queue);
}

/** Most calls of a process are about the queue of the last one. */
let marked = { queue: '', mark: 0 };

/** 16 bits by FNV-1a. A name that is no text is refused later. */
function markOf(queue: string): number {
  if (marked.queue === queue || typeof queue !== 'string') return marked.mark;
  let sum = 0x811c9dc5;
  for (let at = 0; at < queue.length; at++) sum = Math.imul(sum ^ queue.charCodeAt(at), 0x01000193);
  marked = { queue, mark: (sum >>> 16) ^ (sum & 0xffff) };
  return marked.mark;
}

/** The UUIDv7 that follows from a time, a number below 2^53 and a seed below 2^16: the same input, the same id. */
export function uuidFrom(ms: number, number: number, seed: number): string {
  const bytes = new Uint8Array(10);
  bytes[1] = seed >> 8;
  bytes[3] = seed;
  let rest = number;
  for (let index = 9; index >= 4; index--) {
    bytes[index] = rest & 0xff;
    rest = Math.floor(rest / 256);
  }
  bytes[2] = rest & 0x1f;
  return format(ms, (index) => bytes[index]!);
}

/** The smallest UUIDv7 of this time: those of earlier times are smaller. A time before 1970 counts as 1970. */
export function firstUuidAt(ms: number): string {
  return uuidFrom(Math.max(0, ms), 0, 0);
}

/**
 * The UUIDv7 at a place below 2^16 in a list that is known by a digest of at least 8 bytes: the same input, the same
 * id. Ids of one list sort by their places.
 */
export function uuidAt(ms: number, digest: Uint8Array, place: number): string {
  return format(ms, (index) => (index < 8 ? digest[index]! : index === 8 ? place >> 8 : place));
}

/** The time that a UUIDv7 carries, in milliseconds since 1970. */
export function timeOfUuid(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The values from which {@link uuidFrom} made an id; null for any other text. */
export function readUuidFrom(
  id: string,
): { readonly ms: number; readonly number: number; readonly seed: number } | null {
  if (!isUuidv7(id)) return null;
  const digits = id.replaceAll('-', '');
  const byte = (index: number) => Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  const read = {
    ms: Number.parseInt(digits.slice(0, 12), 16),
    number: (byte(8) & 0x1f) * 2 ** 48 + Number.parseInt(digits.slice(20), 16),
    seed: byte(7) * 256 + byte(9),
  };
  return uuidFrom(read.ms, read.number, read.seed) === id ? read : null;
}

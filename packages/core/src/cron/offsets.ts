import type { Millis } from '../time/clock.ts';
import { checkZone } from './zone.ts';

/**
 * Local time minus UTC around a moment, in milliseconds: `before` until the moment `at`, `after` from then on. Without
 * a change `at` is Infinity.
 */
export interface Offsets {
  readonly before: Millis;
  readonly at: Millis;
  readonly after: Millis;
  /** The offsets hold from one day before the requested moment at least until this one. */
  readonly until: Millis;
}

const second = 1000;
const quarterHour = 900 * second;
const day = 86_400 * second;
const spanMs = 3 * day;

/** A formatter costs 70 µs and 50 kB, and there are 600 names. */
const maxZones = 128;
/** More than the years that a search covers. */
const maxSpans = 256;

interface Zone {
  readonly offsetAt: (at: Millis) => Millis;
  readonly spans: Map<number, Offsets>;
}

const zones = new Map<string, Zone>();

/**
 * The offsets of a zone from at least one day before `moment` to one day after it, which covers every instant whose
 * local time is `moment`. At most one change is so near: since 1970 no zone has changed twice within 6.9 days, and this
 * reads 5 days.
 *
 * @throws ProtocolError `invalid_request` for an unknown zone.
 */
export function offsetsNear(zone: string, moment: Millis): Offsets {
  if (zone === 'UTC') return utc;
  const { offsetAt, spans } = zoneOf(zone);
  const index = Math.floor(moment / spanMs);
  return (
    spans.get(index) ??
    remember(spans, index, look(offsetAt, index * spanMs - day, (index + 1) * spanMs + day), maxSpans)
  );
}

const utc: Offsets = { before: 0, at: Number.POSITIVE_INFINITY, after: 0, until: Number.POSITIVE_INFINITY };

function zoneOf(name: string): Zone {
  const cached = zones.get(name);
  if (cached !== undefined) return cached;
  checkZone(name);
  return remember(zones, name, { offsetAt: offsetReader(name), spans: new Map() }, maxZones);
}

/** Adds to a cache and drops its oldest entry. */
function remember<K, V>(cache: Map<K, V>, key: K, value: V, limit: number): V {
  if (cache.size >= limit) {
    const oldest = cache.keys().next();
    if (!oldest.done) cache.delete(oldest.value);
  }
  cache.set(key, value);
  return value;
}

function look(offsetAt: (at: Millis) => Millis, from: Millis, to: Millis): Offsets {
  const before = offsetAt(from);
  const after = offsetAt(to);
  const until = to - day;
  if (before === after) return { before, at: Number.POSITIVE_INFINITY, after, until };
  let unchanged = from;
  let at = to;
  const narrow = (grid: Millis) => {
    while (at - unchanged > grid) {
      const middle = unchanged + Math.ceil((at - unchanged) / 2 / grid) * grid;
      if (offsetAt(middle) === before) unchanged = middle;
      else at = middle;
    }
  };
  narrow(quarterHour);
  if (offsetAt(at - second) !== before) narrow(second); // as changes from local mean time are
  return { before, at, after, until };
}

const offset = /GMT(?:([+-])([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?$/;

function offsetReader(zone: string): (at: Millis) => Millis {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    timeZoneName: 'longOffset',
  });
  return (at) => {
    const match = offset.exec(format.format(at));
    if (match === null) throw new Error(`Intl gave no offset for ${zone}`);
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
    const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return sign === '-' ? -ms : ms;
  };
}

import { describe, expect, test } from 'vitest';
import { checkZone, nextRun, parseCron } from '../../src/cron/index.ts';
import { ProtocolError } from '../../src/index.ts';
import { faultOf } from '../support/fault.ts';

const refusal = (name: string) => faultOf(() => checkZone(name));

describe('checkZone', () => {
  test.each(
    `
    UTC Etc/UTC America/New_York America/Argentina/Buenos_Aires America/North_Dakota/New_Salem
    America/Port-au-Prince America/Port_of_Spain Asia/Kolkata Asia/Calcutta Europe/Kyiv Europe/Isle_of_Man
    Antarctica/DumontDUrville Pacific/Auckland US/Pacific Etc/GMT+5
  `
      .trim()
      .split(/\s+/),
  )('%s is accepted (CRON-13)', (name) => {
    expect(() => checkZone(name)).not.toThrow();
  });

  test('every zone with a place that Intl lists is accepted', () => {
    for (const name of Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/'))) checkZone(name);
  });

  test.each([
    ['+05:00', 'a fixed offset'],
    ['-08:00', 'a fixed offset'],
    ['+05', 'a fixed offset'],
    ['UTC+5', 'a fixed offset'],
    ['GMT-3', 'a fixed offset'],
    ['EST', 'no IANA name of an area and a place'],
    ['PST', 'no IANA name of an area and a place'],
    ['CST', 'no IANA name of an area and a place'],
    ['GMT', 'no IANA name of an area and a place'],
    ['Z', 'no IANA name of an area and a place'],
    ['utc', 'no IANA name of an area and a place'],
    ['local', 'no IANA name of an area and a place'],
    ['', 'no IANA name of an area and a place'],
    ['Mars/Olympus_Mons', 'no known time zone'],
    ['SystemV/EST5EDT', 'no known time zone'],
    ['Etc/Unknown', 'no known time zone'],
    ['posix/Europe/Berlin', 'no known time zone'],
    ['Europe/Berlin ', 'no known time zone'],
    ['Europe/Berlin\n', 'no known time zone'],
    ['Europe/', 'no known time zone'],
    ['/', 'no known time zone'],
    ['america/new_york', 'not the spelling of America/New_York'],
    ['EUROPE/BERLIN', 'not the spelling of Europe/Berlin'],
    [`${'a/'.repeat(500_000)}b`, 'a text of 1000001 characters is no known time zone'],
  ])('%j is refused (CRON-14)', (name, message) => {
    const fault = refusal(name);
    expect(fault.code).toBe('invalid_request');
    expect(fault.message).toContain(message);
    expect(fault.message).toMatch(/^\$\.timezone: .*expected UTC or a name such as America\/New_York$/);
    expect(fault.message.length).toBeLessThan(200);
  });

  test('the refusal has the given path', () => {
    expect(() => checkZone('EST', '$.tz')).toThrow('$.tz: "EST" is no IANA name');
  });

  test('no run is computed in an unknown zone', () => {
    expect(() => nextRun(parseCron('@daily'), 'EST', 0)).toThrow(ProtocolError);
  });
});

test('a zone that has left the cache answers as before', () => {
  const schedule = parseCron('30 2 * * *');
  const after = Date.UTC(2026, 2, 7);
  const zones = Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/'));
  const first = zones.map((zone) => nextRun(schedule, zone, after));
  expect(zones.map((zone) => nextRun(schedule, zone, after))).toEqual(first);
});

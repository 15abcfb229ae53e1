import { uuidFrom } from '@ojs-ts/core';

let last = 0;

/** A UUIDv7 that no other call in this process has given. */
export function newId(): string {
  last += 1;
  return uuidFrom(Date.UTC(2026, 0, 1), last, process.pid & 0xffff);
}

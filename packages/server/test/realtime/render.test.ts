import type { EventEntry } from '@ojs-ts/core/events';
import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { Renderer } from '../../src/realtime/streams/render.ts';
import { newId } from '../support/ids.ts';

test('an event is rendered once for all connections of a renderer, and each of its messages apart', () => {
  const renderer = new Renderer('urn:ojs', 1, undefined);
  const entry: EventEntry = [
    'job.started',
    newId(),
    'a',
    'q',
    State.available,
    State.active,
    1,
    null,
    null,
    null,
    null,
  ];
  const event = { position: 7, at: 0, entry, moves: true, ends: false };
  const change = renderer.item({ event, view: 'change', more: true });
  expect(renderer.item({ event, view: 'change', more: true })).toBe(change);
  const last = renderer.item({ event, view: 'change', more: false });
  const own = renderer.item({ event, view: 'event', more: false });
  expect([change.name, last.name, own.name]).toEqual(['job.state_changed', 'job.state_changed', 'job.started']);
  expect(last.id).not.toBe(change.id);
  expect(JSON.parse(own.data)).toEqual(JSON.parse(renderer.envelope(event)));
});

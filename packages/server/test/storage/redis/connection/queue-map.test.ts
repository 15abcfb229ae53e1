import { expect, test } from 'vitest';
import { readAddress } from '../../../../src/storage/redis/connection/address.ts';
import { readQueueMap } from '../../../../src/storage/redis/connection/queue-map.ts';

test('a map has the namespace of each queue; equal maps have the same text', () => {
  const map = readQueueMap('a:emails,images;b:reports;c:x.y,*');
  expect(map.namespaces).toEqual(['a', 'b', 'c']);
  expect(['emails', 'images', 'reports', 'x.y', 'other'].map((queue) => map.namespaces[map.indexOf(queue)])).toEqual(
    'a a b c c'.split(' '),
  );
  expect([map.home, map.namespaces[map.rest]]).toEqual(['a', 'c']);
  expect(readQueueMap('a:images,emails;b:reports;c:*,x.y').text).toBe(map.text);
  expect(readQueueMap(map.text).text).toBe(map.text);
});

test.each([
  ['a:emails', 'no namespace has *'],
  ['a:*;b:*', 'more than one *'],
  ['a:x;b:x,*', "queue 'x' occurs twice"],
  ['a:x;a:*', "namespace 'a' occurs twice"],
  ['a', "'a' does not name the queues"],
  ['a:x:y;b:*', "'a:x:y' does not name the queues"],
  ['a:;b:*', "'a:' does not name the queues"],
  ['a:X;b:*', "'X' is no name of a queue"],
  ['ä:*', "'ä' is no name of a namespace"],
  ['', "'' is no name of a namespace"],
])('namespaces=%s is refused: %s', (text, what) => {
  expect(() => readQueueMap(text)).toThrow(what);
  expect(() => readQueueMap(text)).toThrow(/expected NAMESPACE:QUEUE/);
});

test('a URL has one namespace or a map', () => {
  expect(readAddress('redis+cluster://h:1,h:2?namespaces=a:emails;b:*')).toMatchObject({
    namespace: 'a',
    map: { namespaces: ['a', 'b'] },
  });
  expect(readAddress('redis://h')).toMatchObject({ namespace: 'ojs', map: null });
  expect(() => readAddress('redis://h?namespaces=a:*&namespace=b')).toThrow(/not both/);
});

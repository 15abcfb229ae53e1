#!lua flags=no-writes
-- With common.
-- Answers seed, position, last start, how many jobs and how many workflows were made.
return pack({
  tonumber(call('HGET', p .. 'layout', 'seed') or 0), store.get('position'), store.get('start'), store.get('number'),
  tonumber(call('GET', p .. 'flows:number') or 0),
})

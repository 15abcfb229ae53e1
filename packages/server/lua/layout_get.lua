#!lua flags=no-writes
-- With common.
-- Answers the version of the layout; 0 where there is none.
return pack(tonumber(call('HGET', p .. 'layout', 'version') or 0))

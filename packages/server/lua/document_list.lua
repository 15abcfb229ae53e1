#!lua flags=no-writes
-- With common.
-- ARGV: kind. Answers key and document of each.
return call('HGETALL', p .. 'doc:' .. ARGV[1])

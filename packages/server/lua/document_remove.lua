#!lua flags=allow-oom
-- With common.
-- ARGV: kind, key. Answers whether it was there.
return call('HDEL', p .. 'doc:' .. ARGV[1], ARGV[2])

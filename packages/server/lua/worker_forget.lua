#!lua flags=allow-oom
-- With common.
-- ARGV: worker. Answers whether it was known.
call('ZREM', p .. 'workers', ARGV[1])
return call('DEL', p .. 'w:' .. ARGV[1])

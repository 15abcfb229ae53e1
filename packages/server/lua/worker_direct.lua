#!lua flags=allow-oom
-- With common.
-- ARGV: worker, directive ('' for none). Answers whether the worker is known.
local worker = p .. 'w:' .. ARGV[1]
if call('EXISTS', worker) == 0 then return 0 end
if ARGV[2] == '' then call('HDEL', worker, 'directive') else call('HSET', worker, 'directive', ARGV[2]) end
return 1

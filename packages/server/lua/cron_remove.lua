#!lua flags=allow-oom
-- With crons.
-- ARGV: name. Answers the record that was there, or null.
local cron = crons.record(ARGV[1])
call('DEL', p .. 'c:' .. ARGV[1])
call('SREM', p .. 'crons', ARGV[1])
call('ZREM', p .. 'crons:due', ARGV[1])
return cron[9] and cron

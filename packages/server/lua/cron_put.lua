#!lua
-- With crons.
-- ARGV: now, name, spec, enabled ('1' or ''), due at ('' for never), expected version ('' for whatever is there).
-- c:<name> is the cron, the list `crons` its names, `crons:due` those that are enabled and have a next firing, by its
-- time. Answers whether it was made, and the record; null where the version on record is another.
local now, name, due = ARGV[1], ARGV[2], ARGV[5]
local cron = p .. 'c:' .. name
local version = call('HGET', cron, 'v')
if ARGV[6] ~= '' and ARGV[6] ~= version then return false end
if not version then call('HSET', cron, 'rc', 0, 'at', now) end
call('HSET', cron, 'sp', ARGV[3], 'en', ARGV[4], 'due', due, 'up', now)
call('HINCRBY', cron, 'v', 1)
call('SADD', p .. 'crons', name)
crons.schedule(name)
return { version and 0 or 1, crons.record(name) }

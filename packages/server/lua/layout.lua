#!lua flags=allow-oom
-- With common.
-- Packed { version, seed }: notes the layout where it is older. Answers the version before, and the seed that the store
-- has for ever.
local request = unpacked(ARGV[1])
local key = p .. 'layout'
local from = tonumber(call('HGET', key, 'version') or 0)
call('HSETNX', key, 'seed', int(request.seed))
if from < request.version then call('HSET', key, 'version', int(request.version)) end
return pack({ from, tonumber(call('HGET', key, 'seed')) })

#!lua flags=allow-oom
-- With common.
-- Packed { now, name, holder, till }; answers whether the holder has it.
local request = unpacked(ARGV[1])
local text = call('HGET', p .. 'leases', request.name)
local known = text and unpacked(text)
if known and known.holder ~= request.holder and known.till > request.now then return pack(false) end
call('HSET', p .. 'leases', request.name, pack({ holder = request.holder, till = request.till }))
return pack(true)

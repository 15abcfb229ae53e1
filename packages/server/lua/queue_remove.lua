#!lua flags=allow-oom
-- With jobs.
-- Packed name; answers whether it was there and is gone, its limit with it.
local name = unpacked(ARGV[1])
local row = queues.find(name)
if not row or not queues.is_empty(row) then return pack(false) end
queues.forget(name)
limits.forget('queue:' .. name)
return pack(true)

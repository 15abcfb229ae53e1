#!lua flags=allow-oom
-- With common.
-- Packed { name, holder }.
local request = unpacked(ARGV[1])
local text = call('HGET', p .. 'leases', request.name)
if text and unpacked(text).holder == request.holder then call('HDEL', p .. 'leases', request.name) end
return pack(true)

#!lua flags=allow-oom
-- With common.
-- Packed { now, events }.
local request = unpacked(ARGV[1])
for _, entry in ipairs(request.events) do tell(entry) end
finish(request.now)
return pack(true)

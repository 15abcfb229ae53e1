#!lua flags=allow-oom
-- With promotion.
-- Packed { now, limit }; answers counts by queue.
local request = unpacked(ARGV[1])
local counts = promote(request.now, request.limit)
for _, key in ipairs({ 'overdue', 'expiring' }) do jobs.sweep(p .. key, request.now, request.limit) end
finish(request.now)
return pack(counts)

#!lua flags=allow-oom
-- With jobs.
-- Packed { now, key, override }; false takes it back. Answers the record.
local request = unpacked(ARGV[1])
limits.renumber(request.key, nil, request.override, request.now)
finish(request.now)
return pack(limits.record(request.key))

#!lua flags=allow-oom
-- With jobs.
-- Packed { now, name, capacity, config, limit, expected }; what is absent stays, false takes it back. Answers name,
-- row, settings; false where the version is not the one expected.
local request = unpacked(ARGV[1])
local name, now = request.name, request.now
local known = queues.find(name)
if request.expected and request.expected ~= (known and known.version or 0) then return pack(false) end
local row = queues.make(name, now)
row.version = row.version + 1
queues.touched(name)
if request.capacity ~= nil then row.capacity = request.capacity or nil end
if request.config then call('HSET', p .. 'configs', name, request.config) end
if request.limit ~= nil then limits.renumber('queue:' .. name, nil, request.limit, now) end
finish(now)
return pack({ name, row, call('HGET', p .. 'configs', name) })

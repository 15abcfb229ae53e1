#!lua flags=no-writes
-- With jobs.
-- Packed { now, limit }; answers jobs, longest overdue first, then by creation.
local request = unpacked(ARGV[1])
local late = {}
for _, key in ipairs({ 'overdue', 'expiring' }) do
  local found = call('ZRANGEBYSCORE', p .. key, '-inf', int(request.now), 'WITHSCORES', 'LIMIT', 0, request.limit)
  for i = 1, #found, 2 do late[#late + 1] = { ref = found[i], at = tonumber(found[i + 1]) } end
end
table.sort(late, function(a, b) return a.at < b.at or (a.at == b.at and a.ref < b.ref) end)
local out = {}
for i = 1, math.min(#late, request.limit) do out[#out + 1] = jobs.full(jobs.id(late[i].ref)) end
return pack(out)

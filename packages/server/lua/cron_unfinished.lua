#!lua flags=no-writes
-- With jobs.
-- Packed { names, limit }; answers a list of jobs of each.
local request = unpacked(ARGV[1])
local out = {}
for i, name in ipairs(request.names) do
  out[i] = {}
  for _, ref in ipairs(call('ZRANGE', p .. 'cron:' .. name, 0, request.limit - 1)) do out[i][#out[i] + 1] = jobs.full(jobs.id(ref)) end
end
return pack(out)

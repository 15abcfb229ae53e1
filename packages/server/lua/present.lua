#!lua flags=no-writes
-- With common.
-- Packed { kind, names }; answers of each whether the namespace has a job, workflow, cron or limit of that name.
local request = unpacked(ARGV[1])
local prefixes = { job = 'j:', workflow = 'f:', cron = 'c:' }
local found = {}
for i, name in ipairs(request.names) do
  if request.kind == 'limit' then
    found[i] = call('HEXISTS', p .. 'limits', name) == 1
  else
    found[i] = call('EXISTS', p .. prefixes[request.kind] .. name) == 1
  end
end
return pack(found)

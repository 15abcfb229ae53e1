#!lua flags=allow-oom
-- With common.
-- Packed { source, from, to, batches }: takes what another namespace logged into this log, where what stood there up to
-- `from` is what was taken before. `imports` says of each source how far it was taken. Answers that: `to`, or where
-- somebody else has come to.
local request = unpacked(ARGV[1])
local known = tonumber(call('HGET', p .. 'imports', request.source) or 0)
if known ~= request.from then return pack(known) end
local position = store.get('position')
for _, batch in ipairs(request.batches) do
  local first = int(position + 1)
  call('ZADD', p .. 'log', first, int(batch.at) .. ':' .. int(batch.count) .. ':' .. first)
  call('HSET', p .. 'entries', first, batch.entries)
  position = position + batch.count
end
store.set('position', position)
store.flush()
call('HSET', p .. 'imports', request.source, int(request.to))
if #request.batches > 0 then call('PUBLISH', p .. 'wake', 'events') end
return pack(request.to)

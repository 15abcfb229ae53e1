#!lua flags=no-writes
-- With common.
-- Packed { after, limit }; answers batches { position, at, count, entries }, oldest and newest.
local request = unpacked(ARGV[1])
local newest = store.get('position')
local found, total = {}, 0

local function add(batch)
  local at, count, position = string.match(batch, '^(%-?%d+):(%d+):(%d+)$')
  if tonumber(position) + tonumber(count) - 1 <= request.after then return end
  found[#found + 1] = { tonumber(position), tonumber(at), tonumber(count), call('HGET', p .. 'entries', position) }
  total = total + tonumber(count)
end

if request.limit > 0 then
  local before = call('ZREVRANGEBYSCORE', p .. 'log', int(request.after), '-inf', 'LIMIT', 0, 1)
  if before[1] then add(before[1]) end
  local offset, more = 0, true
  while more and total < request.limit do
    local batches = call('ZRANGEBYSCORE', p .. 'log', '(' .. int(request.after), '+inf', 'LIMIT', offset, 100)
    for _, batch in ipairs(batches) do
      if total >= request.limit then break end
      add(batch)
    end
    offset, more = offset + 100, #batches == 100
  end
end
local first = call('ZRANGE', p .. 'log', 0, 0, 'WITHSCORES')
return pack({ found, tonumber(first[2]) or newest + 1, newest })

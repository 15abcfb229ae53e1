-- KEYS: prefix. ARGV: now, then 11 fields an item: id, queue, priority, created_at, envelope, unique key, states, created after, replace ('1'), workflow, node
-- and one list of limits: count, then key, concurrency, rate count, rate period of each ('' for none). Answers flat: kind, existing, replaced, ready.
-- A script is not rolled back when it fails, so nothing here may fail after the first write.
local p, now = KEYS[1], ARGV[1]
local out, fresh, gone = {}, {}, {}
local n = 2

local function matches(key, mask, after, live)
  local found = {}
  local bit_ = 1
  for _ = 1, 8 do
    if bit.band(mask, bit_) ~= 0 and (bit.band(47, bit_) ~= 0) == live then
      -- By creation, newest first. Of the finished ones the newest decides, of the living ones all are needed.
      local ids = redis.call('ZREVRANGEBYSCORE', p .. 'u:' .. key .. ':' .. bit_, '+inf', '(' .. after, 'LIMIT', 0, live and -1 or 1)
      for _, id in ipairs(ids) do found[#found + 1] = id end
    end
    bit_ = bit_ * 2
  end
  return found
end

while n <= #ARGV do
  local id, queue, priority, created, envelope = ARGV[n], ARGV[n + 1], tonumber(ARGV[n + 2]), ARGV[n + 3], ARGV[n + 4]
  local key, mask, after, replace = ARGV[n + 5], tonumber(ARGV[n + 6]), ARGV[n + 7], ARGV[n + 8] == '1'
  local workflow, node, limits = ARGV[n + 9], ARGV[n + 10], tonumber(ARGV[n + 11])
  n = n + 12
  local keys = {}
  for i = 1, limits do
    local at = n + (i - 1) * 4
    keys[i] = ARGV[at]
    redis.call('HSET', p .. 'k:' .. ARGV[at], 'c', ARGV[at + 1], 'rc', ARGV[at + 2], 'rp', ARGV[at + 3])
  end
  n = n + limits * 4
  local kind, existing, replaced, ready = 'inserted', '', {}, {}
  if redis.call('EXISTS', p .. 'j:' .. id) == 1 then
    kind = 'already'
  elseif key ~= '' then
    if after == '' then after = '0' end
    local live = matches(key, mask, after, true)
    local found = (not replace) and (live[1] or matches(key, mask, after, false)[1])
    if found then
      kind, existing = 'duplicate', found
    elseif replace then
      for _, victim in ipairs(live) do
        close(p, victim, 64, ready)
        replaced[#replaced + 1] = victim
        gone[#gone + 1] = victim
      end
    end
  end
  if kind == 'inserted' then
    local rank = rank_of(p, priority)
    local lane = table.concat(keys, '\31')
    redis.call('HSET', p .. 'j:' .. id, 's', 2, 'q', queue, 'pr', priority, 'c', 0, 'a', 0, 'at', created, 'e', envelope,
      'u', key, 'l', lane, 'w', workflow, 'n', node)
    wait_in(p, queue, lane, id, rank)
    if key ~= '' then redis.call('ZADD', p .. 'u:' .. key .. ':2', created, id) end
    redis.call('HINCRBY', p .. 'count', 2, 1)
    fresh[#fresh + 1] = id
  end
  out[#out + 1] = kind
  out[#out + 1] = existing
  out[#out + 1] = table.concat(replaced, ',')
  out[#out + 1] = table.concat(ready, ',')
end
log(p, now, 'enqueued', fresh)
log(p, now, 'moved', gone)
return out

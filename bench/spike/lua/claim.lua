-- KEYS: prefix. ARGV: now, queue, want, lease end, worker. Answers flat: id, claim, started at, lane, workflow, node, envelope.
local p, now, queue, want = KEYS[1], tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local room = {}

-- How many may start under this key now. A caller whose clock is behind the key's last start is given the time of that start.
local at = now
local function room_of(key)
  if room[key] then return room[key] end
  local l = redis.call('HMGET', p .. 'k:' .. key, 'c', 'rc', 'rp')
  local free = want
  if l[1] ~= '' then free = math.min(free, tonumber(l[1]) - redis.call('SCARD', p .. 'slot:' .. key)) end
  local timed = false
  if l[2] ~= '' then
    timed = true
    local last = redis.call('ZRANGE', p .. 'rate:' .. key, -1, -1, 'WITHSCORES')
    if last[2] and tonumber(last[2]) > at then at = tonumber(last[2]) end
    -- Forgets by the key's own last start, never by the caller's time: a later call may carry an earlier one.
    local window = tonumber(l[3])
    if last[2] then redis.call('ZREMRANGEBYSCORE', p .. 'rate:' .. key, '-inf', string.format('%.0f', tonumber(last[2]) - window)) end
    free = math.min(free, tonumber(l[2]) - redis.call('ZCOUNT', p .. 'rate:' .. key, string.format('(%.0f', at - window), '+inf'))
  end
  room[key] = { free = free, slots = l[1] ~= '', timed = timed }
  return room[key]
end

local lanes = redis.call('ZRANGE', p .. 'lanes:' .. queue, 0, -1, 'WITHSCORES')
local open = {}
for i = 1, #lanes, 2 do
  local free = want
  each_key(lanes[i], function(key) free = math.min(free, room_of(key).free) end)
  if free > 0 then
    open[#open + 1] = { lane = lanes[i], head = tonumber(lanes[i + 1]) }
    if #open > want then break end
  end
end

-- Merges the heads: takes from the first lane while its head is before the next lane's.
local taken, touched = {}, {}
local function settle_order(lane)
  local i = 1
  while open[i + 1] and open[i + 1].head < lane.head do
    open[i] = open[i + 1]
    i = i + 1
  end
  open[i] = lane
end
while #taken < want and open[1] do
  local lane = open[1]
  local free = want - #taken
  each_key(lane.lane, function(key) free = math.min(free, room_of(key).free) end)
  if free <= 0 then
    table.remove(open, 1)
  else
    -- Alone, a lane gives all it may at once; else one job, and the next head decides.
    local got = redis.call('ZPOPMIN', p .. 'w:' .. queue .. ':' .. lane.lane, open[2] and 1 or free)
    for i = 1, #got, 2 do taken[#taken + 1] = { id = got[i], lane = lane.lane } end
    touched[lane.lane] = true
    each_key(lane.lane, function(key) room[key].free = room[key].free - #got / 2 end)
    local head = redis.call('ZRANGE', p .. 'w:' .. queue .. ':' .. lane.lane, 0, 0, 'WITHSCORES')
    if head[2] then
      lane.head = tonumber(head[2])
      settle_order(lane)
    else
      table.remove(open, 1)
    end
  end
end
for lane in pairs(touched) do settle(p, queue, lane) end

local out, ids = {}, {}
local start = string.format('%.0f', at)
for i, job in ipairs(taken) do
  local key = p .. 'j:' .. job.id
  local claim = redis.call('HINCRBY', key, 'c', 1)
  redis.call('HINCRBY', key, 'a', 1)
  redis.call('HSET', key, 's', 8, 'wk', ARGV[5], 'st', start)
  redis.call('ZADD', p .. 'lease', ARGV[4], job.id)
  local v = redis.call('HMGET', key, 'u', 'at', 'w', 'n', 'e')
  if v[1] ~= '' then
    redis.call('ZREM', p .. 'u:' .. v[1] .. ':2', job.id)
    redis.call('ZADD', p .. 'u:' .. v[1] .. ':8', v[2], job.id)
  end
  each_key(job.lane, function(k)
    if room[k].slots then redis.call('SADD', p .. 'slot:' .. k, job.id .. ':' .. claim) end
    if room[k].timed then redis.call('ZADD', p .. 'rate:' .. k, start, job.id .. ':' .. claim) end
  end)
  ids[i] = job.id
  out[#out + 1] = job.id
  out[#out + 1] = claim
  out[#out + 1] = start
  out[#out + 1] = job.lane
  out[#out + 1] = v[3]
  out[#out + 1] = v[4]
  out[#out + 1] = v[5]
end
if #ids > 0 then
  redis.call('HINCRBY', p .. 'count', 2, -#ids)
  redis.call('HINCRBY', p .. 'count', 8, #ids)
end
log(p, start, 'started', ids)
return out

-- Put in front of every script: Redis has no include.

-- Higher priority first, then first in, first out. tostring would answer 1.7592186044417e+15; %.0f keeps all 53 bits.
local function rank_of(p, priority)
  return string.format('%.0f', (100 - priority) * 17592186044416 + redis.call('INCR', p .. 'seq'))
end

-- A lane is the jobs of a queue that wait for the same limit keys ('' without any); the queue's lanes are ordered by their first job.
local function wait_in(p, queue, lane, id, rank)
  redis.call('ZADD', p .. 'w:' .. queue .. ':' .. lane, rank, id)
  redis.call('ZADD', p .. 'lanes:' .. queue, 'LT', rank, lane)
end

local function settle(p, queue, lane)
  local head = redis.call('ZRANGE', p .. 'w:' .. queue .. ':' .. lane, 0, 0, 'WITHSCORES')
  if head[2] then
    redis.call('ZADD', p .. 'lanes:' .. queue, head[2], lane)
  else
    redis.call('ZREM', p .. 'lanes:' .. queue, lane)
  end
end

local function each_key(lane, visit)
  for key in string.gmatch(lane, '[^\31]+') do visit(key) end
end

-- Moves a job between states: its place in the queue, its slots, its uniqueness, the counts; in a terminal state also its node.
local function close(p, id, to, ready)
  local job = p .. 'j:' .. id
  local v = redis.call('HMGET', job, 's', 'q', 'l', 'c', 'u', 'at', 'w', 'n', 'pr')
  local was, queue, lane, key = tonumber(v[1]), v[2], v[3], v[5]
  if was == 2 then
    redis.call('ZREM', p .. 'w:' .. queue .. ':' .. lane, id)
    settle(p, queue, lane)
  elseif was == 8 then
    redis.call('ZREM', p .. 'lease', id)
    each_key(lane, function(k) redis.call('SREM', p .. 'slot:' .. k, id .. ':' .. v[4]) end)
  end
  if to == 2 then wait_in(p, queue, lane, id, rank_of(p, tonumber(v[9]))) end
  redis.call('HSET', job, 's', to)
  if key ~= '' then
    redis.call('ZREM', p .. 'u:' .. key .. ':' .. was, id)
    redis.call('ZADD', p .. 'u:' .. key .. ':' .. to, v[6], id)
  end
  redis.call('HINCRBY', p .. 'count', was, -1)
  redis.call('HINCRBY', p .. 'count', to, 1)
  if v[7] ~= '' and bit.band(to, 208) ~= 0 then
    local flow = p .. 'f:' .. v[7]
    if redis.call('HSETNX', flow, 'closed:' .. v[8], 1) == 1 then
      for after in string.gmatch(redis.call('HGET', flow, 'next:' .. v[8]) or '', '%d+') do
        if to ~= 16 then redis.call('HINCRBY', flow, 'failed:' .. after, 1) end
        if redis.call('HINCRBY', flow, 'open:' .. after, -1) == 0 then
          ready[#ready + 1] = v[7] .. ':' .. after .. ':' .. (redis.call('HGET', flow, 'failed:' .. after) or '0')
        end
      end
    end
  end
end

-- One record a batch. Its score is the position of its first event; scripts run one by one, so positions follow visibility by themselves.
local function log(p, now, kind, ids)
  if #ids == 0 then return end
  local last = redis.call('INCRBY', p .. 'position', #ids)
  local first = string.format('%.0f', last - #ids + 1)
  redis.call('ZADD', p .. 'log', first, first .. '|' .. kind .. '|' .. now .. '|' .. table.concat(ids, ','))
end

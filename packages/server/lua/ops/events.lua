-- The event log: the sorted set `log` lists a batch as <at>:<count>:<position> by its position, the hash `entries` has
-- its text. The sorted set `log:<kind>` has the positions of the batches with an event of a kind that is not common.
local call, finish, in_pieces, int, log_event, p, store = require('common')

local function read_batch(batch)
  local at, count, position = string.match(batch, '^(%-?%d+):(%d+):(%d+)$')
  return { tonumber(position), tonumber(at), tonumber(count), call('HGET', p .. 'entries', position) }
end

-- The first members of the set `key` from `from` on, by position.
local function members(key, from, request, limit, offset)
  if request.down then return call('ZREVRANGEBYSCORE', key, from, '-inf', 'LIMIT', offset or 0, limit) end
  return call('ZRANGEBYSCORE', key, from, '+inf', 'LIMIT', offset or 0, limit)
end

-- Batches from `from` on, in pieces.
local function each_batch(from, request, take)
  local offset = 0
  while true do
    local batches = members(p .. 'log', from, request, 100, offset)
    for _, batch in ipairs(batches) do
      if not take(batch) then return end
    end
    if #batches < 100 then return end
    offset = offset + 100
  end
end

-- The same with batches that have an event of one of the kinds: the first `limit` of each set have the first of all.
local function each_of_kinds(from, request, take)
  local positions, seen = {}, {}
  for _, kind in ipairs(request.kinds) do
    for _, position in ipairs(members(p .. 'log:' .. kind, from, request, request.limit + 1)) do
      if not seen[position] then
        seen[position] = true
        positions[#positions + 1] = tonumber(position)
      end
    end
  end
  table.sort(positions, request.down and function(a, b) return a > b end or nil)
  for _, position in ipairs(positions) do
    local batch = call('ZRANGEBYSCORE', p .. 'log', int(position), int(position))[1]
    if batch and not take(batch) then return end
  end
end

-- { down, from, limit, kinds }: batches with an event after `from`, or down those that begin before it;
-- with `kinds` only those that have one of them. Answers batches { position, at, count, entries }, oldest and newest
-- position, whether the limit ended the read.
function reading.events(request)
  local newest = store.get('position')
  local found, total = {}, 0

  local function take(text)
    local batch = read_batch(text)
    if request.down or batch[1] + batch[3] - 1 > request.from then
      found[#found + 1] = batch
      total = total + batch[3]
    end
    return total < request.limit
  end

  if request.limit > 0 then
    local from = '(' .. int(request.from)
    if not request.down then
      -- The batch that begins at or before `from` may reach beyond it.
      local before = call('ZREVRANGEBYSCORE', p .. 'log', int(request.from), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
      if before[2] then from = before[2] end
    end
    if request.kinds then each_of_kinds(from, request, take) else each_batch(from, request, take) end
  end
  local first = call('ZRANGE', p .. 'log', 0, 0, 'WITHSCORES')
  return { found, tonumber(first[2]) or newest + 1, newest, total >= request.limit }
end

-- { now, events }.
function changing.record(request)
  for _, entry in ipairs(request.events) do log_event(entry) end
  finish(request.now)
  return true
end

-- { source, from, to, batches }: appends what another shard has logged, where `from` is how far that log
-- was taken before. The hash `imports` notes this of each source. Answers how far it is taken now: `to`, or the
-- position that another server has come to.
function changing.log_import(request)
  local known = tonumber(call('HGET', p .. 'imports', request.source) or 0)
  if known ~= request.from then return known end
  local position = store.get('position')
  for _, batch in ipairs(request.batches) do
    local first = int(position + 1)
    call('ZADD', p .. 'log', first, int(batch.at) .. ':' .. int(batch.count) .. ':' .. first)
    call('HSET', p .. 'entries', first, batch.entries)
    for _, kind in ipairs(batch.kinds) do call('ZADD', p .. 'log:' .. kind, first, first) end
    position = position + batch.count
  end
  store.set('position', position)
  store.flush()
  call('HSET', p .. 'imports', request.source, int(request.to))
  if #request.batches > 0 then redis.pcall('PUBLISH', p .. 'wake', 'events') end
  return request.to
end

-- { upto, kinds }: removes the batches up to a position, which the home shard has taken; `kinds` are all
-- that may have a set.
function changing.log_trim(request)
  local upto = request.upto
  local gone, texts = {}, {}
  for i, batch in ipairs(call('ZRANGEBYSCORE', p .. 'log', '-inf', int(upto))) do
    local count, position = string.match(batch, '^%-?%d+:(%d+):(%d+)$')
    if tonumber(position) + tonumber(count) - 1 > upto then break end
    gone[i], texts[i] = batch, position
  end
  if #gone > 0 then
    in_pieces('ZREM', p .. 'log', gone)
    in_pieces('HDEL', p .. 'entries', texts)
    for _, kind in ipairs(request.kinds) do call('ZREMRANGEBYSCORE', p .. 'log:' .. kind, '-inf', texts[#texts]) end
  end
  return true
end

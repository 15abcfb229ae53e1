-- The event log: the sorted set `log` lists a batch as <at>:<count>:<position> by its position, the hash `entries` has
-- its text.

-- With common. { after, limit }; answers batches { position, at, count, entries }, oldest and newest position.
function reading.events(request)
  local newest = store.get('position')
  local found, total = {}, 0

  local function take(batch)
    local at, count, position = string.match(batch, '^(%-?%d+):(%d+):(%d+)$')
    if tonumber(position) + tonumber(count) - 1 <= request.after then return end
    found[#found + 1] = { tonumber(position), tonumber(at), tonumber(count), call('HGET', p .. 'entries', position) }
    total = total + tonumber(count)
  end

  if request.limit > 0 then
    local before = call('ZREVRANGEBYSCORE', p .. 'log', int(request.after), '-inf', 'LIMIT', 0, 1)
    if before[1] then take(before[1]) end
    local offset, more = 0, true
    while more and total < request.limit do
      local batches = call('ZRANGEBYSCORE', p .. 'log', '(' .. int(request.after), '+inf', 'LIMIT', offset, 100)
      for _, batch in ipairs(batches) do
        if total >= request.limit then break end
        take(batch)
      end
      offset, more = offset + 100, #batches == 100
    end
  end
  local first = call('ZRANGE', p .. 'log', 0, 0, 'WITHSCORES')
  return { found, tonumber(first[2]) or newest + 1, newest }
end

-- With common. { now, events }.
function changing.record(request)
  for _, entry in ipairs(request.events) do log_event(entry) end
  finish(request.now)
  return true
end

-- With common. { source, from, to, batches }: appends what another shard has logged, where `from` is how far that log
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
    position = position + batch.count
  end
  store.set('position', position)
  store.flush()
  call('HSET', p .. 'imports', request.source, int(request.to))
  if #request.batches > 0 then redis.pcall('PUBLISH', p .. 'wake', 'events') end
  return request.to
end

-- With common. A position: removes the batches up to it, which the home shard has taken.
function changing.log_trim(upto)
  local gone, texts = {}, {}
  for i, batch in ipairs(call('ZRANGEBYSCORE', p .. 'log', '-inf', int(upto))) do
    local count, position = string.match(batch, '^%-?%d+:(%d+):(%d+)$')
    if tonumber(position) + tonumber(count) - 1 > upto then break end
    gone[i], texts[i] = batch, position
  end
  if #gone > 0 then
    in_pieces('ZREM', p .. 'log', gone)
    in_pieces('HDEL', p .. 'entries', texts)
  end
  return true
end

-- Queues, their statistics, and limits.

-- With common. Names of queues, or `configured`, or false for all; answers name, row, settings of each.
function reading.queue_list(which)
  local out, rows = {}, nil
  if which == 'configured' then which = call('HKEYS', p .. 'configs') end
  if which then
    for _, name in ipairs(which) do
      local row = call('HGET', p .. 'queues', name)
      if row then out[#out + 1] = { name, unpacked(row), call('HGET', p .. 'configs', name) } end
    end
    return out
  end
  rows = call('HGETALL', p .. 'queues')
  for i = 1, #rows, 2 do out[#out + 1] = { rows[i], unpacked(rows[i + 1]), call('HGET', p .. 'configs', rows[i]) } end
  return out
end

-- Of the given ready queues the job that has been available longest: { place, time }, or false. It is the first of one of
-- the priorities, since places grow with the time.
local function oldest_of(keys)
  local found, found_place
  for _, key in ipairs(keys) do
    local from = '-inf'
    while true do
      local head = call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
      if not head[1] then break end
      local above, place = jobs.next_priority(tonumber(head[2]))
      if not found or place < found_place then found, found_place = head[1], place end
      from = int(above)
    end
  end
  local job = found and jobs.read(string.sub(found, -36))
  return job and job.enqueuedAt and { found_place, job.enqueuedAt } or false
end

-- With jobs. Names of queues; answers of each the oldest job without limit keys, and whether it has limit groups.
function reading.oldest(names)
  local out = {}
  for i, name in ipairs(names) do
    local row = queues.find(name)
    out[i] = { oldest_of({ groups.ready_key(name, '') }), row ~= nil and row.lanes > 0 }
  end
  return out
end

-- With jobs. { queue, cursor }; answers the next cursor and the oldest job of a part of the limit groups.
function reading.oldest_in_groups(request)
  local found = call('HSCAN', p .. 'lanes:' .. request.queue, request.cursor, 'COUNT', 500)
  local keys = {}
  for i = 1, #found[2], 2 do keys[#keys + 1] = groups.ready_key(request.queue, found[2][i]) end
  return { found[1], oldest_of(keys) }
end

-- With queues. { now, name, paused, entry }; answers name, row, settings.
function changing.queue_pause(request)
  local row = queues.make(request.name, request.now)
  if (row.paused == true) ~= request.paused then
    row.paused = request.paused or nil
    queues.touched(request.name)
    log_event(request.entry)
    if not request.paused then wake(request.name) end
  end
  finish(request.now)
  return { request.name, row, call('HGET', p .. 'configs', request.name) }
end

-- With jobs. { now, name, capacity, config, limit, expected }: what is absent stays, false removes it. Answers name,
-- row, settings; false where the version is not the expected one.
function changing.queue_configure(request)
  local name, now = request.name, request.now
  local known = queues.find(name)
  if request.expected and request.expected ~= (known and known.version or 0) then return false end
  local row = queues.make(name, now)
  row.version = row.version + 1
  queues.touched(name)
  if request.capacity ~= nil then row.capacity = request.capacity or nil end
  if request.config then call('HSET', p .. 'configs', name, request.config) end
  if request.limit ~= nil then limits.renumber('queue:' .. name, nil, request.limit, now) end
  finish(now)
  return { name, row, call('HGET', p .. 'configs', name) }
end

-- With jobs. A name; answers whether the queue was there and is gone, its limit with it.
function changing.queue_remove(name)
  local row = queues.find(name)
  if not row or not queues.is_empty(row) then return false end
  queues.forget(name)
  limits.forget('queue:' .. name)
  return true
end

-- With common. ARGV: a member of the list `minutes` after which to continue ('' for none), since, the end as
-- ZRANGEBYSCORE takes it, limit. Answers minute:queue,type and the fields of each, oldest first.
function reading.statistics()
  local out, list = {}, p .. 'minutes'
  local after, from, skip = ARGV[1], ARGV[2], 0
  if after ~= '' then
    from = string.match(after, '^%-?%d+')
    -- A member that was pruned meanwhile was the oldest.
    local rank = call('ZRANK', list, after)
    skip = rank and rank + 1 - call('ZCOUNT', list, '-inf', '(' .. from) or 0
  end
  for _, minute in ipairs(call('ZRANGEBYSCORE', list, from, ARGV[3], 'LIMIT', skip, ARGV[4])) do
    out[#out + 1] = minute
    out[#out + 1] = call('HGETALL', p .. 'm:' .. minute)
  end
  return out
end

-- With jobs. A key; answers the record of the limit, or false.
function reading.limit_get(key)
  return limits.record(key)
end

-- With jobs. { after, offset, limit }; answers records and how many keys there are.
function reading.limit_list(request)
  local names = p .. 'limit:names'
  local keys
  if request.after then
    keys = call('ZRANGEBYLEX', names, '(' .. request.after, '+', 'LIMIT', 0, request.limit + 1)
  else
    keys = call('ZRANGE', names, request.offset, request.offset + request.limit)
  end
  local out = {}
  for i, key in ipairs(keys) do out[i] = limits.record(key) end
  return { out, call('ZCARD', names) }
end

-- With jobs. { now, key, override }: false removes the override. Answers the record.
function changing.limit_override(request)
  limits.renumber(request.key, nil, request.override, request.now)
  finish(request.now)
  return limits.record(request.key)
end

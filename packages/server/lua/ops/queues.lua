-- Queues, their statistics, and limits.
local call, finish, int, log_event, p, unpacked, wake = require('common')
local queues = require('queues')
local jobs = require('jobs')
local limit_groups = require('limit-groups')
local limits = require('limits')

-- Names of queues, or `configured`, or false for all; answers name, row, settings of each.
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

-- Returns the job of the given ready queues that has been available longest: { place, time }, or false. It is the first
-- of one of the priorities, since places grow with the time.
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

-- Names of queues; answers of each the oldest job without limit keys, and whether it has limit groups.
function reading.oldest(names)
  local out = {}
  for i, name in ipairs(names) do
    local row = queues.find(name)
    out[i] = { oldest_of({ limit_groups.ready_key(name, '') }), row ~= nil and row.limitGroups > 0 }
  end
  return out
end

-- { queue, cursor }; answers the next cursor and the oldest job of a part of the limit groups.
function reading.oldest_in_groups(request)
  local found = call('HSCAN', p .. 'limit_groups:' .. request.queue, request.cursor, 'COUNT', 500)
  local keys = {}
  for i = 1, #found[2], 2 do keys[#keys + 1] = limit_groups.ready_key(request.queue, found[2][i]) end
  return { found[1], oldest_of(keys) }
end

-- { now, name, paused, entry }; answers name, row, settings.
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

-- { now, name, capacity, config, limit, expected }: what is absent stays, false removes it. Answers name,
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

-- A name; answers whether the queue was there and is gone, its limit with it.
function changing.queue_remove(name)
  local row = queues.find(name)
  if not row or not queues.is_empty(row) then return false end
  queues.forget(name)
  limits.forget('queue:' .. name)
  finish(0)
  return true
end

-- Reports whether a text sorts before another one by its bytes, as members of a sorted set do. Lua's < follows the
-- locale.
local function is_before(one, other)
  for at = 1, math.min(#one, #other) do
    local a, b = string.byte(one, at), string.byte(other, at)
    if a ~= b then return a < b end
  end
  return #one < #other
end

-- The rank of the first member of a minute that does not sort before a text.
local function rank_of(list, minute, sought)
  local low, high = call('ZCOUNT', list, '-inf', '(' .. minute), call('ZCOUNT', list, '-inf', minute)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(call('ZRANGE', list, middle, middle)[1], sought) then low = middle + 1 else high = middle end
  end
  return low
end

-- ARGV: a text after which to continue ('' for none), since, the end as ZRANGEBYSCORE takes it, limit,
-- queues with commas between them in their order ('' for all). Answers the text after which the next call continues (''
-- for none), and then minute:queue,type and the fields of each, oldest first. For queues the limit holds for the places
-- that are looked at, too.
function reading.statistics()
  local after, from, last, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
  local out, list, names = { '' }, p .. 'minutes', {}
  local sought = after ~= '' and after .. '\0' or nil
  if sought then from = string.match(after, '^%-?%d+') end
  local function add(member)
    out[#out + 1] = member
    out[#out + 1] = call('HGETALL', p .. 'm:' .. member)
    out[1] = #out > 2 * limit and member or ''
    return out[1] ~= ''
  end
  for name in string.gmatch(ARGV[5], '[^,]+') do names[#names + 1] = name end
  if #names == 0 then
    local skip = sought and rank_of(list, from, sought) - call('ZCOUNT', list, '-inf', '(' .. from) or 0
    for _, member in ipairs(call('ZRANGEBYSCORE', list, from, last, 'LIMIT', skip, limit)) do add(member) end
    return out
  end
  for _ = 1, math.max(1, math.floor(limit / #names)) do
    local minute = string.match(call('ZRANGEBYSCORE', list, from, last, 'LIMIT', 0, 1)[1] or '', '^%-?%d+')
    out[1] = ''
    if not minute then return out end
    for _, name in ipairs(names) do
      local prefix = minute .. ':' .. name .. ','
      local begin = minute == from and sought and is_before(prefix, sought) and sought or prefix
      local rank = rank_of(list, minute, begin)
      local member = call('ZRANGE', list, rank, rank)[1]
      while member and string.sub(member, 1, #prefix) == prefix do
        if add(member) then return out end
        rank = rank + 1
        member = call('ZRANGE', list, rank, rank)[1]
      end
    end
    out[1] = minute .. ':\255'
    from = '(' .. minute
  end
  return out
end

-- ARGV: since, the end as ZRANGEBYSCORE takes it, how many members of the list `minutes` come before the
-- one that is answered.
function reading.minute_behind()
  return call('ZRANGEBYSCORE', p .. 'minutes', ARGV[1], ARGV[2], 'LIMIT', ARGV[3], 1)
end

-- A key; answers the record of the limit, or false.
function reading.limit_get(key)
  return limits.record(key)
end

-- { after, offset, limit }; answers records and how many keys there are.
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

-- { now, key, override }: false removes the override. Answers the record.
function changing.limit_override(request)
  limits.renumber(request.key, nil, request.override, request.now)
  finish(request.now)
  return limits.record(request.key)
end

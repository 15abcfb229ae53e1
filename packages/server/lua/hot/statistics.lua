-- Figures by minute, queue and type: a script gathers them and writes them at its end.
-- The sorted set `minutes` has <minute>:<queue>,<type> by minute; a comma sorts before all letters of names. The hash
-- m:<minute>:<queue>,<type> has sums: e(nqueued), s(tarted), c(ompleted), f(ailed), r(etried), d(iscarded), x
-- (cancelled), p (expired), and milliseconds: u, v and y of executions that completed, were discarded and cancelled, w
-- and a of waits for any and for later attempts. A field that is a number counts the durations with this code of
-- core's.
local at_end, call, int, p = require('common')
local statistics = {}
do
  local more = {}
  local bounds

  -- First codes of core's measures.
  local wait_code, again_code, completed_code, discarded_code, cancelled_code = 0, 128, 256, 384, 512
  statistics.wait_code, statistics.completed_code = wait_code, completed_code

  -- Ports core's `bucketOf`, with its bounds: the bucket of a duration, behind a first code.
  function statistics.code(first, ms)
    bounds = bounds or {
      1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600, 800,
      1000, 1200, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 10000, 12000, 15000, 20000, 25000, 30000, 40000,
      50000, 60000, 75000, 90000, 120000, 150000, 180000, 240000, 300000, 360000, 480000, 600000, 720000, 900000,
      1200000, 1500000, 1800000, 2400000, 3000000, 3600000, 5400000, 7200000, 10800000, 14400000, 21600000, 28800000,
      43200000, 64800000, 86400000, 129600000, 172800000, 259200000, 345600000, 604800000,
    }
    local low, high = 1, 79
    while low < high do
      local middle = math.floor((low + high) / 2)
      if bounds[middle] < ms then low = middle + 1 else high = middle end
    end
    return first + low - 1
  end

  -- The figures of a type in a queue that the script has gathered.
  function statistics.of(queue, type)
    local types = more[queue]
    if not types then
      types = {}
      more[queue] = types
    end
    local sums = types[type]
    if not sums then
      sums = {}
      types[type] = sums
    end
    return sums
  end

  local function since(at, now) return at and math.max(0, now - at) or 0 end

  local function add(sums, name, by) sums[name] = (sums[name] or 0) + by end

  local function has(events, kind)
    for _, event in ipairs(events or {}) do
      if event.kind == kind then return true end
    end
    return false
  end

  -- The milliseconds of a duration, and its code.
  local function measure(sums, name, first, ms)
    add(sums, name, ms)
    add(sums, statistics.code(first, ms), 1)
  end

  local function enter(sums, job, was, to, now, enqueued_at, again)
    if to == 2 then
      if not was or was == 1 or was == 4 then add(sums, 'e', 1) end
    elseif to == 128 then
      add(sums, 'd', 1)
      if was == 8 then measure(sums, 'v', discarded_code, since(job.startedAt, now)) end
    elseif to == 64 then
      add(sums, 'x', 1)
      if was == 8 then measure(sums, 'y', cancelled_code, since(job.startedAt, now)) end
    elseif was and to == 8 then
      local waited = since(enqueued_at, now)
      add(sums, 's', 1)
      measure(sums, 'w', again and again_code or wait_code, waited)
      if again then add(sums, 'a', waited) end
    elseif was and to == 16 then
      add(sums, 'c', 1)
      measure(sums, 'u', completed_code, since(job.startedAt, now))
    end
  end

  -- Ports core's `sumsOf`: what a change of state adds. `was` is nil for a new job; a start is `again` after the first
  -- attempt.
  function statistics.count(job, was, to, now, enqueued_at, again, events)
    local sums = statistics.of(job.queue, job.type)
    if was ~= to then enter(sums, job, was, to, now, enqueued_at, again) end
    if has(events, 'job.expired') then
      add(sums, 'p', 1)
    elseif has(events, 'job.failed') then
      add(sums, 'f', 1)
      if to == 2 or to == 32 then add(sums, 'r', 1) end
    end
  end

  at_end[#at_end + 1] = function(now)
    local minute = int(math.floor(now / 60000) * 60000)
    for queue, types in pairs(more) do
      for type, sums in pairs(types) do
        local name, names, fields = minute .. ':' .. queue .. ',' .. type, {}, {}
        for field in pairs(sums) do names[#names + 1] = field end
        if #names > 0 then
          local key = p .. 'm:' .. name
          local known = call('HMGET', key, unpack(names))
          for i, field in ipairs(names) do
            fields[2 * i - 1], fields[2 * i] = field, int((known[i] or 0) + sums[field])
          end
          if not known[1] then call('ZADD', p .. 'minutes', minute, name) end
          call('HSET', key, unpack(fields))
        end
      end
    end
    more = {}
  end

  function statistics.prune(before, limit)
    local old = call('ZRANGEBYSCORE', p .. 'minutes', '-inf', '(' .. int(before), 'LIMIT', 0, limit)
    for _, minute in ipairs(old) do
      call('UNLINK', p .. 'm:' .. minute)
      call('ZREM', p .. 'minutes', minute)
    end
    return #old
  end
end

-- Sums by minute and queue: a script gathers them and writes them at its end.
-- The list `minutes` holds <minute>:<queue> by minute, m:<minute>:<queue> the sums: e(nqueued), s(tarted), c(ompleted),
-- f(ailed), d(iscarded), and u and w, the milliseconds of completed executions and of waits.
local statistics = {}
do
  local more = {}

  -- The sums of a queue that the script has gathered.
  function statistics.of(queue)
    if not more[queue] then more[queue] = {} end
    return more[queue]
  end

  local function since(at, now) return at and math.max(0, now - at) or 0 end

  local function add(queue, name, by)
    local sums = statistics.of(queue)
    sums[name] = (sums[name] or 0) + by
  end

  -- Ports core's `sumsOf`: what a change of state adds. `was` is nil for a new job; `failed` where the change has an
  -- event `job.failed`.
  function statistics.count(job, was, to, now, enqueued_at, failed)
    local queue = job.queue
    if failed then add(queue, 'f', 1) end
    if was == to then return end
    if to == 2 then
      if not was or was == 1 or was == 4 then add(queue, 'e', 1) end
    elseif was and to == 8 then
      add(queue, 's', 1)
      add(queue, 'w', since(enqueued_at, now))
    elseif was and to == 16 then
      add(queue, 'c', 1)
      add(queue, 'u', since(job.startedAt, now))
    elseif to == 128 then
      add(queue, 'd', 1)
    end
  end

  at_end[#at_end + 1] = function(now)
    local minute = int(math.floor(now / 60000) * 60000)
    for queue, sums in pairs(more) do
      local key, names, fields = p .. 'm:' .. minute .. ':' .. queue, {}, {}
      for name in pairs(sums) do names[#names + 1] = name end
      local known = #names > 0 and call('HMGET', key, unpack(names)) or {}
      for i, name in ipairs(names) do
        fields[2 * i - 1], fields[2 * i] = name, int((known[i] or 0) + sums[name])
      end
      if not known[1] then call('ZADD', p .. 'minutes', minute, minute .. ':' .. queue) end
      if #fields > 0 then call('HSET', key, unpack(fields)) end
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

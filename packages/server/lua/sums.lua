-- What happened, by minute and queue: gathered while a script works, written by sums.flush at its end.
-- The list `minutes` holds <minute>:<queue> by minute, m:<minute>:<queue> the sums: e(nqueued), s(tarted), c(ompleted),
-- f(ailed), d(iscarded), and u and w, the milliseconds of completed executions and of waits.
local sums = {}
do
  local more = {}

  function sums.add(queue, name, by)
    if not more[queue] then more[queue] = {} end
    more[queue][name] = (more[queue][name] or 0) + by
  end

  function sums.flush(now)
    local minute = int(math.floor(now / 60000) * 60000)
    for queue, names in pairs(more) do
      call('ZADD', p .. 'minutes', minute, minute .. ':' .. queue)
      for name, by in pairs(names) do call('HINCRBY', p .. 'm:' .. minute .. ':' .. queue, name, int(by)) end
    end
    more = {}
  end

  function sums.prune(before, limit)
    local old = call('ZRANGEBYSCORE', p .. 'minutes', '-inf', '(' .. int(before), 'LIMIT', 0, limit)
    for _, minute in ipairs(old) do
      call('UNLINK', p .. 'm:' .. minute)
      call('ZREM', p .. 'minutes', minute)
    end
    return #old
  end
end

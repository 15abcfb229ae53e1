-- What the scripts of workers share.
local workers = {}
do
  -- Forgets those that were not heard of since; the longest silent first.
  function workers.prune(before, limit)
    local old = call('ZRANGEBYSCORE', p .. 'workers', '-inf', '(' .. int(before), 'LIMIT', 0, limit)
    for _, worker in ipairs(old) do
      call('UNLINK', p .. 'w:' .. worker)
      call('ZREM', p .. 'workers', worker)
    end
    return #old
  end
end

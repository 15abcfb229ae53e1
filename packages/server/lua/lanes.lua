-- Where available jobs wait. `ready:<queue>` holds those that hold no slots, by rank; jobs under the same keys are a
-- lane with a set of its own. The lanes of a queue stand in groups, one for a key. The rule that keeps a claim's cost
-- off the number of lanes: while a key is open, the best lane of its group is open too; while it is closed, none has to
-- be. So a claim meets the right lane first, a closed key costs it nothing, and a slot that is freed brings back one
-- lane, however many there are. `lanes:<queue>` has a row for each lane: its group, head and whether it is open.
-- `open:<queue>` has the open ones by head; `open:<queue>\n<key>` and `parked:<queue>\n<key>` those of a group.
-- `alarms:<queue>` says when a rate lets a group go on.
local lanes = {}
do
  local touched = {}

  -- A lane is named by its packed keys; '' has none. A job's keys are those of its limits, without those of whole
  -- queues.
  function lanes.of(job)
    if not job.limits then return '' end
    local keys = {}
    for _, key in ipairs(job.limits) do
      if not limits.of_queue(key) then keys[#keys + 1] = key end
    end
    return #keys == 0 and '' or pack(keys)
  end

  local none = {}

  function lanes.keys(lane) return lane == '' and none or unpacked(lane) end

  function lanes.ready(queue, lane)
    return lane == '' and p .. 'ready:' .. queue or p .. 'ready:' .. queue .. '\n' .. lane
  end

  -- The lane whose jobs a claim is taking: it notes the new head itself.
  lanes.visited = nil

  -- A job has come or gone: its lane is looked at again before a claim and at the end.
  function lanes.touch(queue, lane)
    if lane == '' then return end
    local id = queue .. '\n' .. lane
    if id ~= lanes.visited then touched[id] = { queue = queue, lane = lane } end
  end

  local function read(queue, lane)
    local text = call('HGET', p .. 'lanes:' .. queue, lane)
    return text and unpacked(text)
  end

  local function unlist(queue, lane, row)
    if row.open then call('ZREM', p .. 'open:' .. queue, lane) end
    call('ZREM', p .. (row.open and 'open:' or 'parked:') .. queue .. '\n' .. row.key, lane)
  end

  -- Writes where a lane stands now; `row` is where it stood.
  local function write(queue, lane, row, head, key, open)
    if row and (row.key ~= key or row.open ~= open) then unlist(queue, lane, row) end
    if open then call('ZADD', p .. 'open:' .. queue, head, lane) end
    call('ZADD', p .. (open and 'open:' or 'parked:') .. queue .. '\n' .. key, head, lane)
    call('HSET', p .. 'lanes:' .. queue, lane, pack({ key = key, open = open, head = head }))
    if row then return end
    local counted = queues.find(queue)
    counted.lanes = counted.lanes + 1
    queues.touched(queue)
  end

  local function remove(queue, lane, row)
    unlist(queue, lane, row)
    call('HDEL', p .. 'lanes:' .. queue, lane)
    local counted = queues.find(queue)
    counted.lanes = counted.lanes - 1
    queues.touched(queue)
  end

  local function first(key)
    local found = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return found[1], tonumber(found[2])
  end

  local function open_best(queue, key)
    local parked, head = first(p .. 'parked:' .. queue .. '\n' .. key)
    if not parked then return end
    local open, best = first(p .. 'open:' .. queue .. '\n' .. key)
    if open and best < head then return end
    write(queue, parked, read(queue, parked), head, key, true)
    -- One open lane a group is enough; more would all have to be looked at when the key closes.
    if open then write(queue, open, read(queue, open), best, key, false) end
  end

  -- Opens the best lane of a group where its key is open, and sets the alarm for jobs under the key where a rate has
  -- closed it.
  local function tend(queue, key, now)
    if not limits.closed_until(key, now) then open_best(queue, key) end
    if not limits.has_rates(key) then return end
    local at = limits.reopens(key, now)
    if at and limits.waiting_in(key, queue) > 0 then
      call('ZADD', p .. 'alarms:' .. queue, at, key)
    else
      call('ZREM', p .. 'alarms:' .. queue, key)
    end
  end

  -- The key that holds the lane back; of several the one that does longest.
  function lanes.closing(lane, now)
    local found, last = nil, now
    for _, key in ipairs(lanes.keys(lane)) do
      local at = limits.closed_until(key, now)
      if at and at > last then
        found, last = key, at
      end
    end
    return found
  end

  -- The group of a new lane: the key that is closed, or else the one that most jobs wait under, so that few lanes are
  -- open at once.
  local function home(lane, now)
    local best, most = lanes.closing(lane, now), -1
    if best then return best end
    for _, key in ipairs(lanes.keys(lane)) do
      local row = limits.find(key)
      local waiting = row and row.waiting or 0
      if waiting > most then
        best, most = key, waiting
      end
    end
    return best
  end

  -- Notes what a lane begins with; answers its group.
  local function look(queue, lane, now)
    local row = read(queue, lane)
    local ready = lanes.ready(queue, lane)
    write_pending(ready)
    local ref, head = first(ready)
    local key = row and row.key or home(lane, now)
    if not ref then
      if row then remove(queue, lane, row) end
    elseif not row then
      write(queue, lane, nil, head, key, false)
    elseif row.head ~= head then
      write(queue, lane, row, head, key, row.open)
    end
    return key
  end

  -- Makes the rule true again after what has changed, and wakes the queues that may have something to hand out now.
  function lanes.settle(now)
    local groups = {}
    local function add(queue, key) groups[queue .. '\n' .. key] = { queue = queue, key = key } end
    for _, one in pairs(touched) do
      add(one.queue, look(one.queue, one.lane, now))
      for _, key in ipairs(lanes.keys(one.lane)) do
        if limits.has_rates(key) then add(one.queue, key) end
      end
    end
    touched = {}
    for key in pairs(limits.eased) do
      local wakes = limits.closed_until(key, now) ~= limits.until_freed
      local limited = limits.of_queue(key)
      for _, queue in ipairs(limited and { limited } or limits.queues(key)) do
        if not limited then add(queue, key) end
        if wakes and queues.count(queue, 2) > 0 then wake(queue) end
      end
    end
    for key in pairs(limits.ticked) do
      if not limits.of_queue(key) then
        for _, queue in ipairs(limits.queues(key)) do add(queue, key) end
      end
    end
    limits.eased, limits.ticked = {}, {}
    for _, group in pairs(groups) do tend(group.queue, group.key, now) end
  end

  -- The best open lane of a queue, and the head of the one after it.
  function lanes.best(queue)
    local found = call('ZRANGE', p .. 'open:' .. queue, 0, 1, 'WITHSCORES')
    if not found[1] then return nil, nil end
    local row = read(queue, found[1])
    row.queue, row.lane = queue, found[1]
    return row, tonumber(found[4])
  end

  -- The head of the first lane of the same group that waits behind those that are open.
  function lanes.next(row)
    local _, head = first(p .. 'parked:' .. row.queue .. '\n' .. row.key)
    return head
  end

  -- Ends a visit: the lane begins with `head` now, or is empty; `closed` is the key that does not let it go on.
  function lanes.leave(row, head, closed, now)
    local queue, lane = row.queue, row.lane
    if not head then
      remove(queue, lane, row)
    else
      write(queue, lane, row, head, closed or row.key, not closed)
    end
    tend(queue, row.key, now)
    for _, key in ipairs(lanes.keys(lane)) do
      if key ~= row.key and limits.has_rates(key) then tend(queue, key, now) end
    end
  end

  -- Brings back groups whose rates let them go on.
  function lanes.wake_up(queue, now, limit)
    for _, key in ipairs(call('ZRANGEBYSCORE', p .. 'alarms:' .. queue, '-inf', int(now), 'LIMIT', 0, limit)) do
      call('ZREM', p .. 'alarms:' .. queue, key)
      tend(queue, key, now)
    end
  end

  -- The next time that a rate lets waiting jobs of the queue go on.
  function lanes.alarm(queue)
    local _, at = first(p .. 'alarms:' .. queue)
    return at
  end

  ends[#ends + 1] = lanes.settle
end

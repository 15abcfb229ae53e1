-- The queues of available jobs. The ready queue `ready:<queue>` holds those that hold no slots, by rank; available jobs
-- of a queue under the same keys are a limit group, with a ready queue of its own. Each group is in the waitlist of one
-- of its keys. The rule that keeps a claim's cost off the number of groups: while a key is open, the best group of its
-- waitlist is open too; while a key is closed, none has to be. So a claim meets the right group first, a closed key
-- costs nothing, and a freed slot brings back one group, however many there are. The hash `limit_groups:<queue>` has a
-- row for each group: the key whose waitlist has it, its head and whether it is open. `open_groups:<queue>` has the
-- open ones by head; `open_groups:<queue>\n<key>` and `waitlist:<queue>\n<key>` the open and the closed ones of a
-- waitlist. `rate_timers:<queue>` has the keys that a rate has closed, by the time at which it lets the next job start.
local at_end, call, cells, int, p, pack, set_score, unpacked, wake, write_pending = require('common')
local queues = require('queues')
local limits = require('limits')
local lists = require('limit-lists')
local limit_groups = {}
do
  local touched = {}

  -- Ports core's `limitGroupOf`. A group is named by its packed keys: those of the job's limits without those of whole
  -- queues; '' where there are none.
  function limit_groups.of(job)
    if not job.limits then return '' end
    local keys = {}
    for _, key in ipairs(job.limits) do
      if not limits.of_queue(key) then keys[#keys + 1] = key end
    end
    return #keys == 0 and '' or pack(keys)
  end

  local none = {}
  local keys_of = {}

  function limit_groups.keys(group)
    if group == '' then return none end
    local keys = keys_of[group]
    if not keys then
      keys = unpacked(group)
      keys_of[group] = keys
    end
    return keys
  end

  function limit_groups.ready_key(queue, group)
    return group == '' and p .. 'ready:' .. queue or p .. 'ready:' .. queue .. '\n' .. group
  end

  -- The group from which a claim is taking jobs: the claim notes the new head itself.
  limit_groups.visited = nil

  -- A job has come, with its rank, or gone: `settle` looks at its group again, before a claim and at the end.
  function limit_groups.touch(queue, group, rank)
    if group == '' then return end
    local id = queue .. '\n' .. group
    if id == limit_groups.visited then return end
    local known = touched[id]
    if not known then
      touched[id] = { queue = queue, group = group, came = rank and 1, first = rank }
    elseif known.came and rank then
      known.came, known.first = known.came + 1, math.min(known.first, rank)
    else
      known.came = nil
    end
  end

  local function rows_of(queue) return 'limit_groups:' .. queue end

  local function read(queue, group)
    local text = cells.get(rows_of(queue), group)
    return text and unpacked(text)
  end

  -- Reads the rows of many groups at once, and those of their keys.
  local function fetch(queue, groups)
    if #groups < 2 then return end
    cells.fetch(rows_of(queue), groups, 1, #groups)
    local keys = {}
    for _, group in ipairs(groups) do
      for _, key in ipairs(limit_groups.keys(group)) do keys[#keys + 1] = key end
    end
    limits.fetch(keys)
  end

  local function first(key)
    write_pending(key)
    local found = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return tonumber(found[2])
  end

  -- Notes where a group is now; `row` is where it was.
  local function write(queue, group, row, head, key, open)
    if row and (row.key ~= key or row.open ~= open) then lists.set(queue, group, row.key, row.open, false) end
    if open or (row and row.open) then lists.set_open(queue, group, row and row.open and row.head, open and head) end
    lists.set(queue, group, key, open, head)
    cells.set(rows_of(queue), group, pack({ key = key, open = open, head = head }))
    if row then return end
    local counted = queues.find(queue)
    counted.limitGroups = counted.limitGroups + 1
    queues.touched(queue)
  end

  local function remove(queue, group, row)
    lists.set(queue, group, row.key, row.open, false)
    if row.open then lists.set_open(queue, group, row.head, false) end
    cells.set(rows_of(queue), group, false)
    local counted = queues.find(queue)
    counted.limitGroups = counted.limitGroups - 1
    queues.touched(queue)
  end

  local function open_best(queue, key)
    local closed, head = lists.first(queue, key, false)
    if not closed then return end
    local open, best = lists.first(queue, key, true)
    if open and best < head then return end
    write(queue, closed, read(queue, closed), head, key, true)
    -- One open group in a waitlist is enough: a claim would have to look at all of them when the key closes.
    if open then write(queue, open, read(queue, open), best, key, false) end
  end

  -- Opens the best group of a waitlist where its key is open. Notes when a rate that has closed the key lets the next
  -- job start.
  local function settle_waitlist(queue, key, now)
    if not limits.closed_until(key, now) then open_best(queue, key) end
    if not limits.has_rates(key) then return end
    local at = limits.reopens_at(key, now)
    set_score(p .. 'rate_timers:' .. queue, key, at and limits.waiting_in(key, queue) > 0 and at or false)
  end

  -- The key that keeps the group from starting; of several the one that does longest.
  function limit_groups.closing_key(group, now)
    local found, last = nil, now
    for _, key in ipairs(limit_groups.keys(group)) do
      local at = limits.closed_until(key, now)
      if at and at > last then
        found, last = key, at
      end
    end
    return found
  end

  -- Returns the number of jobs of an open group that may start before the limits are checked again: a rate may close
  -- after each.
  function limit_groups.room(group)
    local room = math.huge
    for _, key in ipairs(limit_groups.keys(group)) do
      local row = limits.find(key)
      if row then
        local numbers = limits.effective(row)
        if #numbers.rates > 0 then return 1 end
        if numbers.concurrency then room = math.min(room, numbers.concurrency - row.active) end
      end
    end
    return room
  end

  -- The key whose waitlist gets a new group: the one that is closed, or else the one under which most jobs wait, so
  -- that few groups are open at once.
  local function key_for(group, now)
    local best, most = limit_groups.closing_key(group, now), -1
    if best then return best end
    for _, key in ipairs(limit_groups.keys(group)) do
      local row = limits.find(key)
      local waiting = row and row.waiting or 0
      if waiting > most then
        best, most = key, waiting
      end
    end
    return best
  end

  -- A key under which only these jobs wait has no other group: no list of it has to be read.
  local function is_alone(key, jobs)
    local row = jobs and limits.find(key)
    return row and row.waiting == jobs or false
  end

  -- Notes the head of a group; answers the key whose waitlist has it.
  local function refresh(one, now)
    local queue, group = one.queue, one.group
    local row = read(queue, group)
    local head = one.came and math.min(one.first, row and row.head or one.first)
    head = head or first(limit_groups.ready_key(queue, group))
    local key = row and row.key or key_for(group, now)
    if not head then
      if row then remove(queue, group, row) end
    elseif not row then
      local open = is_alone(key, one.came) and not limits.closed_until(key, now)
      write(queue, group, nil, head, key, open)
      if open then lists.has_none(queue, key) end
    elseif row.head ~= head then
      write(queue, group, row, head, key, row.open)
    end
    return key
  end

  -- Makes the rule true again after changes, and wakes the queues from which a claim may get jobs now.
  function limit_groups.settle(now)
    local waitlists = {}
    local function add(queue, key) waitlists[queue .. '\n' .. key] = { queue = queue, key = key } end
    limits.note_freed()
    local groups = {}
    for _, one in pairs(touched) do
      local of_queue = groups[one.queue] or {}
      groups[one.queue] = of_queue
      of_queue[#of_queue + 1] = one.group
    end
    for queue, names in pairs(groups) do fetch(queue, names) end
    for _, one in pairs(touched) do
      add(one.queue, refresh(one, now))
      for _, key in ipairs(limit_groups.keys(one.group)) do
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
    for key in pairs(limits.counted) do
      if not limits.of_queue(key) then
        for _, queue in ipairs(limits.queues(key)) do add(queue, key) end
      end
    end
    limits.eased, limits.counted = {}, {}
    for _, one in pairs(waitlists) do settle_waitlist(one.queue, one.key, now) end
  end

  -- The best open group of a queue, the head of the one after it, and the groups that were read for that, if any.
  function limit_groups.best(queue, wanted)
    local group, other, found = lists.best(queue, wanted)
    if found then fetch(queue, found) end
    if not group then return nil, nil, nil end
    local row = read(queue, group)
    row.queue, row.group = queue, group
    return row, other, found
  end

  -- The head of the first closed group of the same waitlist; `jobs` is how many wait in this one, if that is known.
  function limit_groups.next(row, jobs)
    if is_alone(row.key, jobs) then lists.has_none(row.queue, row.key) end
    local _, head = lists.first(row.queue, row.key, false)
    return head
  end

  -- Ends the claim from a group: its head is `head` now, nil where it is empty; `closed` is the key that has closed it.
  function limit_groups.leave(row, head, closed, now)
    local queue, group = row.queue, row.group
    if not head then
      remove(queue, group, row)
    else
      write(queue, group, row, head, closed or row.key, not closed)
    end
    settle_waitlist(queue, row.key, now)
    for _, key in ipairs(limit_groups.keys(group)) do
      if key ~= row.key and limits.has_rates(key) then settle_waitlist(queue, key, now) end
    end
  end

  -- Brings back the groups that a rate lets start again.
  function limit_groups.reopen(queue, now, limit)
    local timers = p .. 'rate_timers:' .. queue
    write_pending(timers)
    for _, key in ipairs(call('ZRANGEBYSCORE', timers, '-inf', int(now), 'LIMIT', 0, limit)) do
      set_score(timers, key, false)
      settle_waitlist(queue, key, now)
    end
  end

  -- The next time at which a rate lets waiting jobs of the queue start.
  function limit_groups.reopens_at(queue)
    return first(p .. 'rate_timers:' .. queue)
  end

  at_end[#at_end + 1] = limit_groups.settle
end

return limit_groups

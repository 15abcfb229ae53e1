-- Limits: a row each in the hash `limits`. `limit:names` has the keys in their order. `limit:idle` has the keys that no
-- job, queue or operator names, by their last use. The list `starts:<key>` has the starts that a rate may still count,
-- the hash `waiting:<key>` how many jobs wait under it by queue.
local at_end, call, cells, int, p, pack, set_score, store, unpacked, write_pending = require('common')
local queues = require('queues')
local limits = {}
do
  local rows, changed, waits = {}, {}, {}
  -- Keys of which slots were freed or numbers changed, and keys with rates under which jobs have started: limit groups
  -- under them may start again, or not any more.
  limits.eased, limits.counted = {}, {}
  -- How long a key without a free slot is closed.
  limits.until_freed = math.huge

  function limits.of_queue(key)
    return string.sub(key, 1, 6) == 'queue:' and string.sub(key, 7) or nil
  end

  -- Slots that were freed since the rows were read, by key.
  local freed = {}
  local note_freed

  function limits.find(key)
    if freed[key] then note_freed(key) end
    local row = rows[key]
    if row == nil then
      local text = cells.get('limits', key)
      row = text and unpacked(text) or false
      rows[key] = row
    end
    return row or nil
  end

  -- Reads the rows of many keys at once.
  function limits.fetch(keys)
    if #keys > 1 then cells.fetch('limits', keys, 1, #keys) end
  end

  function limits.make(key)
    local row = limits.find(key)
    if row then return row end
    row = { own = { rates = {} }, active = 0, waiting = 0, jobs = 0, usedAt = 0 }
    rows[key], changed[key] = row, true
    set_score(p .. 'limit:names', key, 0)
    return row
  end

  -- Ports core's `effectiveLimit`: an operator's numbers win.
  function limits.effective(row) return row.override or row.own end

  local function text_of(numbers)
    local parts = { numbers.concurrency and int(numbers.concurrency) or '' }
    for _, rate in ipairs(numbers.rates) do parts[#parts + 1] = int(rate[1]) .. '/' .. int(rate[2]) end
    return table.concat(parts, ' ')
  end

  -- Ports core's `keepMs`: how long starts are kept, counted back from the newest, also for numbers that an override
  -- hides.
  function limits.keep_ms(row)
    local longest = 0
    for _, numbers in ipairs({ row.own, row.override }) do
      for _, rate in ipairs(numbers.rates) do longest = math.max(longest, rate[2]) end
    end
    return longest
  end

  -- Ports core's `hasSlot`.
  function limits.has_slot(row, active)
    local concurrency = limits.effective(row).concurrency
    return not concurrency or active < concurrency
  end

  local reopenings = {}
  -- Ports core's `reopensAt`: when the rates let the next job start; nil where they let one start now.
  local function row_reopens_at(key, row, now)
    local rates = limits.effective(row).rates
    if #rates == 0 then return nil end
    local at = reopenings[key]
    if at == nil then
      at = -math.huge
      for _, rate in ipairs(rates) do
        local start = call('LINDEX', p .. 'starts:' .. key, -rate[1])
        if start then at = math.max(at, tonumber(start) + rate[2]) end
      end
      reopenings[key] = at
    end
    if at > now then return at end
    return nil
  end

  function limits.reopens_at(key, now)
    local row = limits.find(key)
    return row and row_reopens_at(key, row, now)
  end

  -- Until when the key lets no job start: a time, `until_freed`, or nil where it is open.
  function limits.closed_until(key, now)
    local row = limits.find(key)
    if not row then return nil end
    local queue = limits.of_queue(key)
    local active = queue and queues.count(queue, 8) or row.active
    if not limits.has_slot(row, active) then return limits.until_freed end
    return row_reopens_at(key, row, now)
  end

  function limits.has_rates(key)
    local row = limits.find(key)
    return row ~= nil and #limits.effective(row).rates > 0
  end

  function limits.used(key, row, now)
    row.usedAt = math.max(row.usedAt, now)
    changed[key] = true
  end

  -- How many starts at the beginning of a list are at `till` or before. The list is in order.
  local function count_until(list, till)
    local low, high = 1, call('LLEN', list)
    while low < high do
      local middle = math.floor((low + high) / 2)
      if tonumber(call('LINDEX', list, middle)) <= till then low = middle + 1 else high = middle end
    end
    return low
  end

  -- A job starts that names the key, or is of the queue that the key limits. Its time ports core's `stampOf`.
  function limits.started(key, now)
    local row = limits.find(key)
    local keep = row and limits.keep_ms(row) or 0
    if keep == 0 then return end
    local list = p .. 'starts:' .. key
    local at = math.max(now, tonumber(call('LINDEX', list, -1) or now))
    store.set('start', math.max(store.get('start'), at))
    call('RPUSH', list, int(at))
    local first = call('LINDEX', list, 0)
    if first and tonumber(first) <= at - keep then call('LTRIM', list, count_until(list, at - keep), -1) end
    reopenings[key] = nil
    limits.counted[key] = true
  end

  local function ease(key, row, active, by)
    if limits.has_slot(row, active) and not limits.has_slot(row, active + by) then limits.eased[key] = true end
  end

  function limits.occupy(key, now)
    local row = limits.make(key)
    row.active = row.active + 1
    limits.used(key, row, now)
  end

  function limits.free(key) freed[key] = (freed[key] or 0) + 1 end

  function note_freed(key)
    local by = freed[key]
    freed[key] = nil
    local row = limits.make(key)
    row.active = row.active - by
    changed[key] = true
    ease(key, row, row.active, by)
  end

  -- Notes all slots that were freed.
  function limits.note_freed()
    local keys = {}
    for key in pairs(freed) do keys[#keys + 1] = key end
    limits.fetch(keys)
    for _, key in ipairs(keys) do note_freed(key) end
  end

  function limits.free_queue(queue)
    local key = 'queue:' .. queue
    local row = limits.find(key)
    if row then ease(key, row, queues.count(queue, 8), 1) end
  end

  function limits.wait(key, queue, by)
    local row = limits.make(key)
    row.waiting = row.waiting + by
    changed[key] = true
    local by_queue = waits[key]
    if not by_queue then
      by_queue = {}
      waits[key] = by_queue
    end
    by_queue[queue] = (by_queue[queue] or 0) + by
  end

  local function write_waits(key)
    for queue, by in pairs(waits[key] or {}) do
      if by ~= 0 and call('HINCRBY', p .. 'waiting:' .. key, queue, by) <= 0 then
        call('HDEL', p .. 'waiting:' .. key, queue)
      end
    end
    waits[key] = nil
  end

  function limits.waiting_in(key, queue)
    write_waits(key)
    return tonumber(call('HGET', p .. 'waiting:' .. key, queue) or 0)
  end

  -- The queues in which jobs wait under the key.
  function limits.queues(key)
    write_waits(key)
    return call('HKEYS', p .. 'waiting:' .. key)
  end

  -- A job that names the key comes (1) or is gone (-1).
  function limits.named(key, by, now)
    local row = limits.make(key)
    row.jobs = row.jobs + by
    changed[key] = true
    if now then limits.used(key, row, now) end
  end

  -- Gives the key other numbers: `own` came with a job, `override` (false removes it) from an operator.
  function limits.renumber(key, own, override, now)
    local row = limits.make(key)
    limits.used(key, row, now)
    -- Ports core's `usedAfterOverride`.
    if override == false and row.jobs <= 0 and not row.own.concurrency and #row.own.rates == 0 then row.usedAt = 0 end
    local before = text_of(limits.effective(row))
    if own then row.own = own end
    if override then row.override = override elseif override == false then row.override = nil end
    if text_of(limits.effective(row)) == before then return row end
    reopenings[key] = nil
    for _, queue in ipairs(limits.queues(key)) do set_score(p .. 'rate_timers:' .. queue, key, false) end
    limits.eased[key] = true
    return row
  end

  function limits.forget(key)
    rows[key], changed[key], waits[key], reopenings[key] = false, nil, nil, nil
    cells.set('limits', key, false)
    set_score(p .. 'limit:names', key, false)
    set_score(p .. 'limit:idle', key, false)
    call('UNLINK', p .. 'starts:' .. key, p .. 'waiting:' .. key)
  end

  -- Removes keys that no job names and no operator overrides, and that were last used before; the longest unused first.
  function limits.prune(before, limit)
    write_pending(p .. 'limit:idle')
    local idle = call('ZRANGEBYSCORE', p .. 'limit:idle', '-inf', '(' .. int(before), 'LIMIT', 0, limit)
    for _, key in ipairs(idle) do limits.forget(key) end
    return #idle
  end

  -- A limit in an answer: the row, and as many of the kept starts as its rates count.
  function limits.record(key)
    local row = limits.find(key)
    if not row then return false end
    local queue, most = limits.of_queue(key), 0
    for _, rate in ipairs(limits.effective(row).rates) do most = math.max(most, rate[1]) end
    return {
      key = key,
      own = row.own,
      override = row.override or false,
      active = queue and queues.count(queue, 8) or row.active,
      waiting = queue and queues.count(queue, 2) or row.waiting,
      starts = most > 0 and call('LRANGE', p .. 'starts:' .. key, -most, -1) or {},
    }
  end

  function limits.flush()
    limits.note_freed()
    for key in pairs(waits) do write_waits(key) end
    for key in pairs(changed) do
      local row = rows[key]
      local idle = row.jobs <= 0 and row.active <= 0 and row.waiting <= 0 and not row.override
        and not limits.of_queue(key)
      if idle then
        set_score(p .. 'limit:idle', key, row.usedAt)
      elseif row.idle then
        set_score(p .. 'limit:idle', key, false)
      end
      row.idle = idle or nil
      cells.set('limits', key, pack(row))
    end
    changed = {}
  end
  at_end[#at_end + 1] = limits.flush
end

return limits

-- Limits: a row each in the hash `limits`. `limit:names` has the keys in their order. `limit:idle` has the keys that no
-- job, queue or operator names, by their last use. The list `starts:<key>` has the starts that a rate may still count,
-- the hash `waiting:<key>` how many jobs wait under it by queue.
local at_end, call, in_pieces, int, p, pack, store, unpacked = require('common')
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

  function limits.find(key)
    local row = rows[key]
    if row == nil then
      local text = call('HGET', p .. 'limits', key)
      row = text and unpacked(text) or false
      rows[key] = row
    end
    return row or nil
  end

  function limits.make(key)
    local row = limits.find(key)
    if row then return row end
    row = { own = { rates = {} }, active = 0, waiting = 0, jobs = 0, usedAt = 0 }
    rows[key], changed[key] = row, true
    call('ZADD', p .. 'limit:names', 0, key)
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

  local function ease(key, row, active)
    if limits.has_slot(row, active) and not limits.has_slot(row, active + 1) then limits.eased[key] = true end
  end

  function limits.occupy(key, now)
    local row = limits.make(key)
    row.active = row.active + 1
    limits.used(key, row, now)
  end

  function limits.free(key)
    local row = limits.make(key)
    row.active = row.active - 1
    changed[key] = true
    ease(key, row, row.active)
  end

  function limits.free_queue(queue)
    local key = 'queue:' .. queue
    local row = limits.find(key)
    if row then ease(key, row, queues.count(queue, 8)) end
  end

  function limits.waiting_in(key, queue)
    local by_queue = waits[key]
    if not by_queue then
      by_queue = {}
      waits[key] = by_queue
    end
    local count = by_queue[queue]
    if not count then
      count = tonumber(call('HGET', p .. 'waiting:' .. key, queue) or 0)
      by_queue[queue] = count
    end
    return count
  end

  function limits.wait(key, queue, by)
    local row = limits.make(key)
    row.waiting = row.waiting + by
    changed[key] = true
    limits.waiting_in(key, queue)
    waits[key][queue] = waits[key][queue] + by
  end

  local function write_waits(key)
    for queue, count in pairs(waits[key] or {}) do
      if count > 0 then
        call('HSET', p .. 'waiting:' .. key, queue, int(count))
      else
        call('HDEL', p .. 'waiting:' .. key, queue)
      end
    end
    waits[key] = nil
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
    for _, queue in ipairs(limits.queues(key)) do call('ZREM', p .. 'rate_timers:' .. queue, key) end
    limits.eased[key] = true
    return row
  end

  function limits.forget(key)
    rows[key], changed[key], waits[key], reopenings[key] = false, nil, nil, nil
    call('HDEL', p .. 'limits', key)
    call('ZREM', p .. 'limit:names', key)
    call('ZREM', p .. 'limit:idle', key)
    call('UNLINK', p .. 'starts:' .. key, p .. 'waiting:' .. key)
  end

  -- Removes keys that no job names and no operator overrides, and that were last used before; the longest unused first.
  function limits.prune(before, limit)
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
    for key in pairs(waits) do write_waits(key) end
    local fields = {}
    for key in pairs(changed) do
      local row = rows[key]
      local idle = row.jobs <= 0 and row.active <= 0 and row.waiting <= 0 and not row.override
        and not limits.of_queue(key)
      if idle then
        call('ZADD', p .. 'limit:idle', row.usedAt, key)
      elseif row.idle then
        call('ZREM', p .. 'limit:idle', key)
      end
      row.idle = idle or nil
      fields[#fields + 1] = key
      fields[#fields + 1] = pack(row)
    end
    if #fields > 0 then in_pieces('HSET', p .. 'limits', fields) end
    changed = {}
  end
  at_end[#at_end + 1] = limits.flush
end

return limits

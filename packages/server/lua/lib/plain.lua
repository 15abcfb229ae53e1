-- Short paths of plain jobs: no rare members, and nothing has happened to them but what the path expects. They do what
-- `jobs.enter`, `transitions` and `admission` do, without a table of the job: 4 µs instead of 20. Where a job or its
-- queue is not plain they do nothing and answer false, and the caller takes the long way.
local plain = {}
do
  -- Of the constant bytes: state, flags, priority, creation, timeout, visibility, type, queue, trace.
  local constant = '<xBBdxxxxxxxxddxxxxxxxxdHc0Hc0I4c0'
  -- Records of a first execution, and of its end: state, flags, members, attempt, claim; entry into available, start,
  -- length and end of the lease or end of the job; worker.
  local active_mask, ended_mask = 4 + 8 + 16 + 32 + 512, 4 + 8 + 128 + 512
  local active, ended = '<BBBHI4I4ddddHc0', '<BBBHI4I4dddHc0'

  -- The arguments of commands for a set, after what other paths have gathered for it.
  local function scores(key)
    local one = plain_scores[key]
    if not one then
      write_pending(key)
      one = { add = {}, remove = {} }
      plain_scores[key] = one
    end
    return one
  end

  local function put(list, score, ref)
    local at = #list
    list[at + 1], list[at + 2] = score, ref
  end

  local function count(row, name, by) row[name] = (row[name] or 0) + by end

  -- What a script needs of a queue: its row and its sums; false where a limit of the queue counts its jobs.
  local known = {}
  local function queue_of(name, now)
    local one = known[name]
    if one == nil then
      one = not limits.find('queue:' .. name) and { row = queues.make(name, now), sums = statistics.of(name) }
      if one then queues.touched(name) end
      known[name] = one
    end
    return one
  end

  local event = {}
  local function log(kind, from, id, state, attempt, type, queue, trace, worker, started)
    if not logged then return end
    event.id, event.type, event.queue, event.trace = id, type, queue, trace
    event.state, event.attempt, event.worker, event.startedAt = state, attempt, worker, started
    jobs.log(kind, event, from)
  end

  -- A new available job without a priority, in a queue that takes every job.
  function plain.insert(packed, now)
    local id, bytes = packed[1], packed[2]
    local state, flags, priority, created, _, _, type, name, trace = struct.unpack(constant, bytes)
    if #packed > 2 or flags > 1 or state ~= 2 or priority ~= 0 or jobs.exists(id) then return false end
    local queue = queue_of(name, now)
    if not queue or queue.row.capacity or queue.row.paused then return false end
    local number = string.format('%016d', store.next('number'))
    local ref = number .. id
    cells.set('jobs', id, bytes .. number)
    put(scores(p .. 'ready:' .. name).add, 1759218604441600 + store.next('place'), ref)
    put(scores(p .. 's:2').add, number, ref)
    count(queue.row, 's2', 1)
    count(queue.sums, 'e', 1)
    log('job.enqueued', nil, id, 2, 0, type, name, flags == 1 and trace or nil, nil, nil)
    wake(name)
    return true
  end

  local last_created, last_lease, last_record
  -- Starts the first execution of a job of a ready queue without a limit. Answers the job for the caller.
  function plain.start(ref, id, claim, now)
    local bytes = cells.get('jobs', id)
    if not bytes or cells.get('states', id) or string.byte(bytes, 3) > 1 then return nil end
    local _, flags, _, created, timeout, visibility, type, name, trace = struct.unpack(constant, bytes)
    local queue = claim.worker and queue_of(name, now)
    if not queue then return nil end
    local lease = claim.leaseMs or (visibility >= 0 and visibility) or claim.defaultLeaseMs
    if created ~= last_created or lease ~= last_lease or claim ~= last_record.claim then
      local text = struct.pack(active, 192, 8, claim.leaseRequired and 2 or 0, active_mask, 1, 1, created, now, lease, now + lease, #claim.worker, claim.worker)
      last_created, last_lease, last_record = created, lease, { claim = claim, text = text }
    end
    cells.set('states', id, last_record.text)
    local waiting = scores(p .. 's:2').remove
    waiting[#waiting + 1] = ref
    local ready = scores(p .. 'ready:' .. name).remove
    ready[#ready + 1] = ref
    put(scores(p .. 's:8').add, string.sub(ref, 1, 16), ref)
    put(scores(p .. 'overdue').add, now + math.min(lease, timeout), ref)
    count(queue.row, 's2', -1)
    count(queue.row, 's8', 1)
    count(queue.sums, 's', 1)
    count(queue.sums, 'w', math.max(0, now - created))
    log('job.started', 2, id, 8, 1, type, name, flags == 1 and trace or nil, claim.worker, now)
    return { id, last_record.text, bytes, false }
  end

  -- Ends the first execution of a job: { id, claim, worker, result }, what is absent is false.
  function plain.complete(outcome, now)
    local id = outcome[1]
    local bytes, record = cells.get('jobs', id), cells.get('states', id)
    if not bytes or not record or string.byte(bytes, 3) > 3 then return false end
    local _, state, flags, mask, attempt, claim = struct.unpack('<BBBHI4I4', record)
    if state ~= 8 or mask ~= active_mask or flags > 3 then return false end
    local _, _, _, _, _, _, enqueued, started, _, _, worker = struct.unpack(active, record)
    if outcome[2] ~= claim and (outcome[2] or flags > 1) then return false end
    if outcome[3] and outcome[3] ~= worker then return false end
    local _, traced, _, _, _, _, type, name, trace = struct.unpack(constant, bytes)
    local queue = queue_of(name, now)
    if not queue then return false end
    local result = outcome[4]
    if result then
      cells.set('results', id, result)
      flags = flags + 4
    end
    cells.set('states', id, struct.pack(ended, 192, 16, flags, ended_mask, attempt, claim, enqueued, started, now, #worker, worker))
    local ref = string.sub(bytes, -16) .. id
    local running = scores(p .. 's:8').remove
    running[#running + 1] = ref
    local overdue = scores(p .. 'overdue').remove
    overdue[#overdue + 1] = ref
    put(scores(p .. 's:16').add, now, ref)
    count(queue.row, 's8', -1)
    count(queue.row, 's16', 1)
    count(queue.sums, 'c', 1)
    count(queue.sums, 'u', math.max(0, now - started))
    log('job.completed', 8, id, 16, attempt, type, name, traced % 2 == 1 and trace or nil, worker, started)
    return true
  end
end

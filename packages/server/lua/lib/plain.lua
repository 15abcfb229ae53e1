-- Short paths of plain jobs: no rare members but a unique key or limits, and nothing has happened to them but what the path expects. They do what
-- `jobs.enter`, `transitions` and `admission` do, without a table of the job. A path ends before the first job that is
-- not plain, of which it has written nothing; the caller takes the long way with that one. Jobs that were made together
-- have the same first bytes, and those that a claim has started the same record: what follows from them is found once.
local plain = {}
do
  -- Of the constant bytes: state, flags, priority, creation, timeout, visibility, type, queue, trace.
  local constant = '<xBBdxxxxxxxxddxxxxxxxxdHc0Hc0I4c0'
  -- Records of a first execution, and of its end: state, flags, members, attempt, claim; entry into available, start,
  -- length and end of the lease or end of the job; worker.
  local active_mask, ended_mask, in_batch = 4 + 8 + 16 + 32 + 512, 4 + 8 + 128 + 512, 64
  local active, completed = '<BBBHI4I4ddddHc0', '<BBBHI4I4dddHc0'

  -- What a script needs of a queue: its row.
  local known_queues = {}
  local function queue_of(name, now)
    local one = known_queues[name]
    if not one then
      one = { row = queues.make(name, now) }
      queues.touched(name)
      known_queues[name] = one
    end
    return one
  end

  -- The same; false where a limit of the queue counts its executions.
  local function unlimited(name, now) return not queues.is_limited(name) and queue_of(name, now) end

  local kind = { size = 1 }
  local function kind_of(bytes)
    if string.sub(bytes, 1, kind.size) == kind.start then return kind end
    local state, flags, priority, created, timeout, visibility, type, name, trace = struct.unpack(constant, bytes)
    local size = 59 + #type + #name + #trace
    kind = {
      start = string.sub(bytes, 1, size), size = size, state = state, flags = flags % 4, rare = flags > 3,
      keyed = bit.band(flags, 8) ~= 0, limited = bit.band(flags, 16) ~= 0, priority = priority, created = created,
      timeout = timeout, visibility = visibility, type = type, name = name, trace = flags % 2 == 1 and trace or nil,
    }
    return kind
  end

  local function count(list, name, by) list[name] = (list[name] or 0) + by end

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

  -- The rare members of a job.
  local function rare_of(bytes, of) return (struct.unpack('<I4c0', bytes, of.size + 1)) end

  -- The keys under which a limited job is counted, beside its queue.
  local keys_of_rare = {}
  local function limit_keys(bytes, of)
    local rare = rare_of(bytes, of)
    local keys = keys_of_rare[rare]
    if not keys then
      long_way()
      keys = groups.keys(groups.of(unpacked(rare)))
      keys_of_rare[rare] = keys
    end
    return keys
  end

  local function holders_in(state, key) return p .. 'u:' .. state .. ':' .. key end

  -- A job that holds a unique key changes its state.
  local function move_holder(bytes, of, ref, from, to)
    local key = rare_of(bytes, of)
    local left, entered = scores(holders_in(from, key)).remove, scores(holders_in(to, key)).add
    left[#left + 1] = ref
    entered[#entered + 1] = of.created
    entered[#entered + 1] = ref
  end

  -- Whether no job holds the key in a state that counts. What the script has gathered for it is for the long way.
  local function is_free(unique)
    local keys, state = {}, 1
    while state < 256 do
      local key = holders_in(state, unique.key)
      if plain_scores[key] or pending[key] then return false end
      if bit.band(state, unique.states) ~= 0 then keys[#keys + 1] = key end
      state = 2 * state
    end
    return #keys == 0 or call('EXISTS', unpack(keys)) == 0
  end

  -- The events of jobs that differ in nothing but their ids.
  local function log_run(event, from, job, ids, n)
    job.id = ids[1]
    log.job(event, job, from)
    log.more(ids, 2, n)
  end

  local function insert_run(run, n)
    local of, queue = run.kind, run.queue
    segments.made(of.name, of.type, run.first, run.first + n - 1)
    count(queue.row, 's2', n)
    count(statistics.of(of.name, of.type), 'e', n)
    log_run('job.enqueued', nil, { state = 2, attempt = 0, type = of.type, queue = of.name, trace = of.trace }, run.ids, n)
    wake(of.name)
  end

  -- The kind of a new job, where it takes the short path: it is available, without a priority, in a queue that takes every
  -- job, and nobody holds its key.
  local function kind_to_insert(item, known)
    local id, bytes, unique = item[1], item[2], item[3]
    if not bytes or #item > 3 or known[id] then return nil end
    local of = kind_of(bytes)
    if of.flags > 1 or (of.rare and not of.keyed) or of.state ~= 2 or of.priority ~= 0 then return nil end
    local row = queues.find(of.name)
    if row and (row.capacity or row.paused) or (unique and not is_free(unique)) then return nil end
    return of
  end

  -- Whether all jobs of a group take the short path, and no two of them have the same id or key.
  local function is_plain_group(group, known)
    local seen = {}
    for _, item in ipairs(group) do
      local key = item[3] and item[3].key
      if seen[item[1]] or (key and seen[key]) or not kind_to_insert(item, known) then return false end
      seen[item[1]] = true
      if key then seen[key] = true end
    end
    return true
  end

  -- Groups of plain jobs, each a list of { id, bytes, unique } or one of them. Answers the place of the first group that
  -- is another one.
  function plain.insert(groups, at, now, out)
    local known, changed, inserted = cells.of('jobs'), cells.changed('jobs'), { true }
    local number, place = store.get('number'), store.get('place')
    local listed, run, n = scores(p .. 's:2').add, nil, 0
    local m = #listed

    local function add(item, of)
      local id, bytes, unique = item[1], item[2], item[3]
      if not run or run.kind ~= of then
        if run then insert_run(run, n) end
        run, n = { kind = of, queue = queue_of(of.name, now), ids = {}, ready = scores(p .. 'ready:' .. of.name).add }, 0
        run.at, run.first = #run.ready, number + 1
      end
      number, place = number + 1, place + 1
      local digits = string.format('%016d', number)
      local ref = digits .. id
      known[id], changed[id] = bytes .. digits, true
      run.ready[run.at + 1], run.ready[run.at + 2] = 1759218604441600 + place, ref
      run.at = run.at + 2
      listed[m + 1], listed[m + 2] = digits, ref
      m, n = m + 2, n + 1
      if unique then
        local held = scores(holders_in(2, unique.key)).add
        held[#held + 1], held[#held + 2] = of.created, ref
      end
      run.ids[n] = id
    end

    while groups[at] do
      local group = groups[at]
      if type(group[1]) == 'string' then
        local of = kind_to_insert(group, known)
        if not of then break end
        add(group, of)
        out[at] = inserted
      else
        if not is_plain_group(group, known) then break end
        local answers = {}
        for i, item in ipairs(group) do
          add(item, kind_of(item[2]))
          answers[i] = true
        end
        out[at] = answers
      end
      at = at + 1
    end
    if run then
      insert_run(run, n)
      store.set('number', number)
      store.set('place', place)
    end
    return at
  end

  local function start_run(run, claim, now, n)
    local of, queue = run.kind, run.queue
    count(queue.row, 's2', -n)
    count(queue.row, 's8', n)
    local sums, waited = statistics.of(of.name, of.type), math.max(0, now - of.created)
    count(sums, 's', n)
    count(sums, 'w', n * waited)
    count(sums, statistics.code(statistics.wait_code, waited), n)
    log_run('job.started', 2, { state = 8, attempt = 1, type = of.type, queue = of.name, trace = of.trace, worker = claim.worker, startedAt = now }, run.ids, n)
  end

  -- Starts the first executions of jobs at the head of a ready queue, at most `most` and `budget` bytes of them, before
  -- the rank `rival`. The limits of its group have room for as many. Answers how many and their bytes; of each `taken`
  -- gets the job for the caller, `claims` its id and claim.
  function plain.start(ready, claim, now, most, rival, budget, taken, claims)
    if not claim.worker then return 0, 0 end
    local known, states, changed = cells.of('jobs'), cells.of('states'), cells.changed('states')
    local waiting, running = scores(p .. 's:2').remove, scores(p .. 's:8').add
    local overdue = scores(p .. 'overdue').add
    -- What was read last is the head of the set, as long as nothing was taken from it.
    local gone = ready.at > 1 and scores(ready.key).remove or nil
    local refs, at, bytes_taken, all, run, n = ready.refs, ready.at, 0, 0, nil, 0
    -- Lengths of lists: Lua finds one by halving, in each loop again.
    local w, r, o, t, c, g = #waiting, #running, #overdue, #taken, #claims, gone and #gone
    while all < most do
      local ref = refs[at]
      local id = ref and string.sub(ref, 17)
      local bytes = id and known[id]
      if not bytes or states[id] or bytes_taken + #bytes > budget then break end
      if all > 0 and rival and rival < tonumber(refs[at + 1]) then break end
      local of = kind_of(bytes)
      if not run or run.kind ~= of then
        local queue = of.flags < 2 and (not of.rare or of.keyed or of.limited) and unlimited(of.name, now)
        if not queue then break end
        if run then start_run(run, claim, now, n) end
        local lease = claim.leaseMs or (of.visibility >= 0 and of.visibility) or claim.defaultLeaseMs
        run, n = { kind = of, queue = queue, ids = {}, overdue = now + math.min(lease, of.timeout) }, 0
        run.record = struct.pack(active, 192, 8, claim.leaseRequired and 2 or 0, active_mask, 1, 1, of.created, now, lease, now + lease,
          #claim.worker, claim.worker)
      end
      states[id], changed[id] = run.record, true
      if of.keyed then move_holder(bytes, of, ref, 2, 8) end
      if of.limited then
        for _, key in ipairs(limit_keys(bytes, of)) do
          limits.wait(key, of.name, -1)
          limits.occupy(key, now)
          limits.started(key, now)
        end
      end
      w, t, n, all = w + 1, t + 1, n + 1, all + 1
      waiting[w], run.ids[n], taken[t] = ref, id, { id, run.record, bytes, false }
      if gone then
        g = g + 1
        gone[g] = ref
      end
      running[r + 1], running[r + 2] = string.sub(ref, 1, 16), ref
      overdue[o + 1], overdue[o + 2] = run.overdue, ref
      claims[c + 1], claims[c + 2] = id, 1
      r, o, c = r + 2, o + 2, c + 2
      bytes_taken, at = bytes_taken + #bytes, at + 2
    end
    if run then start_run(run, claim, now, n) end
    if all > 0 and not gone then call('ZREMRANGEBYRANK', ready.key, 0, all - 1) end
    ready.at = at
    return all, bytes_taken
  end

  local function complete_run(run, now, n)
    local of, queue = run.kind, run.queue
    count(queue.row, 's8', -n)
    count(queue.row, 's16', n)
    local sums, took = statistics.of(of.name, of.type), math.max(0, now - run.started)
    count(sums, 'c', n)
    count(sums, 'u', n * took)
    count(sums, statistics.code(statistics.completed_code, took), n)
    local job = { state = 16, attempt = run.attempt, type = of.type, queue = of.name, trace = of.trace, worker = run.worker, startedAt = run.started }
    log_run('job.completed', 8, job, run.ids, n)
  end

  -- What follows from the record of a running job, and from its bytes; nil where it is not plain.
  local function running(record, of, now)
    local _, state, flags, mask, attempt, claim = struct.unpack('<BBBHI4I4', record)
    if state ~= 8 or mask ~= active_mask or flags > 3 then return nil end
    local queue = (not of.rare or of.keyed or of.limited) and unlimited(of.name, now)
    if not queue then return nil end
    local _, _, _, _, _, _, enqueued, started, _, _, worker = struct.unpack(active, record)
    local function record_with(more)
      return struct.pack(completed, 192, 16, flags + more, ended_mask, attempt, claim, enqueued, started, now, #worker, worker)
    end
    return {
      kind = of, queue = queue, record = record, ids = {}, attempt = attempt, claim = claim, leased = flags > 1, started = started, worker = worker,
      ended = record_with(in_batch), ended_with_result = record_with(in_batch + 4),
    }
  end

  -- The head of a batch of completed jobs, as ended.lua reads it.
  local most_in_head = 16
  local function new_head()
    local head, known, parts = {}, {}, { '\1' }
    function head.add(queue, type)
      local pair = queue .. '\2' .. type .. '\1'
      if not known[pair] then known[pair], parts[#parts + 1] = true, pair end
    end
    function head.text() return #parts <= most_in_head and table.concat(parts) .. '\n' or '\n' end
    return head
  end

  -- Ends first executions: { id, claim, worker, result } of each, what is absent is false. Answers the place of the first
  -- one that is not plain, or does not fit.
  function plain.complete(outcomes, at, now, out)
    local known, states, changed = cells.of('jobs'), cells.of('states'), cells.changed('states')
    local active_refs, overdue = scores(p .. 's:8').remove, scores(p .. 'overdue').remove
    local run, n, finished, f, a, o = nil, 0, {}, 0, #active_refs, #overdue
    local head = new_head()
    while true do
      local one = outcomes[at]
      local id = one and one[1]
      local bytes, record = id and known[id], id and states[id]
      if not bytes or not record then break end
      local of = kind_of(bytes)
      if not run or run.kind ~= of or run.record ~= record then
        local next_run = running(record, of, now)
        if not next_run then break end
        if run and n > 0 then complete_run(run, now, n) end
        run, n = next_run, 0
        head.add(of.name, of.type)
      end
      local claim, worker, result = one[2], one[3], one[4]
      if claim ~= run.claim and (claim or run.leased) then break end
      if worker and worker ~= run.worker then break end
      if result then cells.set('results', id, result) end
      states[id], changed[id] = result and run.ended_with_result or run.ended, true
      local ref = string.sub(bytes, -16) .. id
      if of.keyed then move_holder(bytes, of, ref, 8, 16) end
      if of.limited then
        for _, key in ipairs(limit_keys(bytes, of)) do limits.free(key) end
      end
      a, o, f, n = a + 1, o + 1, f + 1, n + 1
      active_refs[a], overdue[o], finished[f], run.ids[n], out[at] = ref, ref, ref, id, 8
      at = at + 1
    end
    if run and n > 0 then complete_run(run, now, n) end
    if f > 0 then
      call('ZADD', p .. 'ended', int(now), head.text() .. table.concat(finished))
      store.set('ended', store.get('ended') + f)
    end
    return at
  end
end

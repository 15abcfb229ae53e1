-- Changes of jobs: what core's transitions say, and the two that a script decides itself because it meets their jobs:
-- core's `cancelled` and `expired`.
local changes = {}
do
  -- Lua has no calendar: days since 1970 as a date (civil from days, with years that begin in March).
  local function timestamp(ms)
    local days = math.floor(ms / 86400000)
    local rest = ms - days * 86400000
    local z = days + 719468
    local era = math.floor(z / 146097)
    local doe = z - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local month = mp < 10 and mp + 3 or mp - 9
    local year = yoe + era * 400 + (month <= 2 and 1 or 0)
    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, doy - math.floor((153 * mp + 2) / 5) + 1,
      math.floor(rest / 3600000), math.floor(rest / 60000) % 60, math.floor(rest / 1000) % 60, rest % 1000)
  end
  changes.timestamp = timestamp

  -- Milliseconds as JSON writes their seconds.
  local function seconds(ms)
    local size = math.abs(ms)
    local text = int(math.floor(size / 1000))
    local digits = string.gsub(string.format('.%03d', size % 1000), '0+$', '')
    return (ms < 0 and '-' or '') .. text .. (digits == '.' and '' or digits)
  end

  -- The parts of JSON texts that are joined by commas.
  local function elements(text)
    local found, depth, from, at = {}, 0, 1, 1
    while true do
      local _, char
      at, _, char = string.find(text, '(["%[%]{},])', at)
      if not at then break end
      if char == '"' then
        repeat
          at, _, char = string.find(text, '(["\\])', at + 1)
          if char == '\\' then at = at + 1 end
        until char == '"'
      elseif char == '[' or char == '{' then
        depth = depth + 1
      elseif char == ',' then
        if depth == 0 then
          found[#found + 1] = string.sub(text, from, at - 1)
          from = at + 1
        end
      else
        depth = depth - 1
      end
      at = at + 1
    end
    found[#found + 1] = string.sub(text, from)
    return found
  end

  local function tells_error(entry)
    for _, member in ipairs(elements(string.sub(entry, 2, -2))) do
      if string.sub(member, 1, 8) == '"error":' then return true end
    end
    return false
  end

  -- Core's appendHistory: 20 entries stay, of these at least ten errors where there are so many.
  local function append_history(history, entry)
    if history == '' then return entry end
    local all = elements(history)
    all[#all + 1] = entry
    if #all <= 20 then return history .. ',' .. entry end
    local errors, victim = 0, nil
    for i, one in ipairs(all) do
      if tells_error(one) then errors = errors + 1 elseif not victim then victim = i end
    end
    if errors > 10 then victim = 1 end
    if victim then table.remove(all, victim) end
    return table.concat(all, ',')
  end

  local texts = { 'result', 'history', 'progress', 'checkpoint' }

  local function apply_texts(job, transition)
    for _, name in ipairs(texts) do
      local text = transition[name]
      if text ~= nil then jobs.set_text(job, name, text ~= '' and text or nil) end
    end
    -- A checkpoint ends with its job, unless that is in the dead letter.
    if jobs.is_over(job.state) and not job.deadLetter then jobs.set_text(job, 'checkpoint', nil) end
    if transition.envelope then
      local key = p .. 'j:' .. job.id
      local _, policy = unpacked(call('HGET', key, 'e'))
      call('HSET', key, 'e', pack(transition.envelope, transition.policy or policy))
    end
  end

  local function since(at, now) return at and math.max(0, now - at) or 0 end

  -- What the change adds to the sums of its minute. `was` is nil for a new job.
  function changes.sum(job, was, to, now, enqueued_at)
    if was == to then return end
    local queue = job.queue
    if to == 2 then
      if not was or was == 1 or was == 4 then sums.add(queue, 'e', 1) end
    elseif was and to == 8 then
      sums.add(queue, 's', 1)
      sums.add(queue, 'w', since(enqueued_at, now))
    elseif was and to == 16 then
      sums.add(queue, 'c', 1)
      sums.add(queue, 'u', since(job.startedAt, now))
    elseif to == 128 then
      sums.add(queue, 'd', 1)
    end
  end

  local function sum_up(job, transition, now)
    changes.sum(job, job.state, transition.to, now)
    for _, event in ipairs(transition.events) do
      if event.kind == 'job.failed' then
        sums.add(job.queue, 'f', 1)
        return
      end
    end
  end

  -- The job has ended, or is gone: so has the node that it is. Answers the indexes of the nodes that are ready by it.
  function changes.close_node(job, result, now)
    if not job.node then return nil end
    local about = { id = job.id, type = job.type, queue = job.queue, state = job.state, started = job.startedAt, result = result or nil }
    local ready, entry = graph.close(job.node.workflow, int(job.node.index), about, now)
    if entry then tell(entry) end
    return ready
  end

  local function apply(job, t, now)
    local to = t.to
    local stays = to == 8
    job.finishedAt = jobs.is_over(to) and (jobs.is_over(job.state) and job.finishedAt or now) or nil
    if t.deadLetter ~= nil then job.deadLetter = t.deadLetter end
    job.deadLetter = (to == 128 and job.deadLetter) or nil
    job.state = to
    job.queue = t.queue or job.queue
    job.priority = t.priority or job.priority
    job.attempt = t.attempt or job.attempt
    job.runAt = t.runAt or job.runAt
    if to == 2 then job.enqueuedAt = now end
    if t.clearRun then job.startedAt, job.worker = nil, nil end
    if stays and t.beat then jobs.extend(job, 0, now) end
    if not stays then job.leaseMs, job.leaseUntil, job.beatAt = nil, nil, nil end
  end

  -- Carries out a transition that fits the job. Answers the state before and the nodes that are ready by it.
  local function carry_out(job, transition, now)
    local was = job.state
    local stays = was == 8 and transition.to == 8
    sum_up(job, transition, now)
    if not stays then jobs.leave(job, now) end
    apply(job, transition, now)
    apply_texts(job, transition)
    jobs.save(job)
    if stays then jobs.stay(job) else jobs.enter(job, now) end
    for _, event in ipairs(transition.events) do tell(jobs.entry(event.kind, job, was, event.data)) end
    if #transition.events == 0 and was ~= job.state then tell(jobs.entry('job.state_changed', job, was)) end
    if jobs.is_over(job.state) then return was, changes.close_node(job, job.node and jobs.text(job, 'result'), now) end
    return was, nil
  end

  -- `already` comes before `refused`, so a repeated call is never told that its own success was a conflict.
  local function verdict(job, t)
    local fits = bit.band(job.state, t.from) ~= 0 and (t.to ~= 8 or job.state == 8)
    if not fits and t.claim and t.claim == job.claim and job.state == t.to then return 'already' end
    if not fits or (t.claim and t.claim ~= job.claim) then return 'refused' end
    return (t.worker and job.worker and job.worker ~= t.worker) and 'refused' or 'moves'
  end

  -- Answers the state before where the job moved, with the workflow and its nodes that are ready by it where there are
  -- some; else what stood in the way.
  function changes.move(transition, now)
    local job = jobs.read(transition.id)
    if not job then return { kind = 'missing' } end
    local kind = verdict(job, transition)
    if kind ~= 'moves' then return { kind = kind, job = jobs.full(job.id) } end
    local was, ready = carry_out(job, transition, now)
    if not ready or #ready == 0 then return was end
    return { kind = 'moved', was = was, workflow = job.node.workflow, ready = ready }
  end

  local function history_of(job, entry)
    return append_history(jobs.text(job, 'history') or '', entry)
  end

  -- Core's `cancelled`: another job takes the place of this one.
  function changes.cancel(job, now)
    local entry = '{"kind":"cancelled","at":' .. int(now) .. ',"from":' .. job.state .. '}'
    carry_out(job, { to = 64, history = history_of(job, entry), events = { { kind = 'job.cancelled' } } }, now)
  end

  local function error_text(code, message, attempt, at, details)
    return table.concat({
      '{"code":"', code, '","type":"', code, '","message":"', message, '","attempt":', attempt, ',"occurred_at":"', at, '","timestamp":"', at, '"',
      details and ',"details":' .. details or '', '}',
    })
  end

  local function timeout_details(kind, limit, elapsed)
    return '{"timeout_kind":"' .. kind .. '","limit_seconds":' .. seconds(limit) .. ',"elapsed_seconds":' .. seconds(elapsed) .. '}'
  end

  -- Core's `expired`: the end of a waiting job that is past its expiry.
  function changes.expire(job, now)
    local ends_at, events = job.expiresAt, {}
    local _, policy = unpacked(call('HGET', p .. 'j:' .. job.id, 'e'))
    local ttl = policy and tonumber(string.match(policy, '"enqueueTtlMs":(%d+)'))
    local code, message, details = 'expired', 'The job was not started before expires_at.', nil
    if ends_at == job.deadlineAt then
      local total = ends_at - job.createdAt
      code, message = 'total_timeout', 'The job did not end within total_timeout, ' .. seconds(total) .. ' s after it was created.'
      details = timeout_details('total', total, now - job.createdAt)
      events[1] = { kind = 'job.total_timeout', data = details }
    elseif ttl and job.createdAt + ttl == ends_at then
      code, message = 'enqueue_ttl_expired', 'The job was not started within ' .. seconds(ttl) .. ' s.'
      details = timeout_details('enqueue_ttl', ttl, now - job.createdAt)
      events[1] = { kind = 'job.ttl_expired', data = details }
    end
    local entry = '{"kind":"expired","at":' .. int(now) .. ',"error":' .. error_text(code, message, job.attempt, timestamp(now), details) .. '}'
    local data = '{"created_at":"' .. timestamp(job.createdAt) .. '","expired_at":"' .. timestamp(ends_at) .. '","ttl_ms":' .. int(ends_at - job.createdAt) .. '}'
    events[#events + 1] = { kind = 'job.expired', data = data }
    carry_out(job, { to = 128, history = history_of(job, entry), events = events }, now)
  end
end

-- Changes of jobs: the transitions that core decides, and those that a script decides itself because it meets their
-- jobs: replacement, expiry, promotion, start.
local call, cells, int, log_event, p, write_pending = require('common')
local log = require('event-log')
local statistics = require('statistics')
local segments = require('segments')
local history = require('history')
local jobs = require('jobs')
local workflows = require('workflows')
local transitions = {}
do
  local texts = { 'result', 'history', 'progress', 'checkpoint' }

  -- Ports core's `textsOf`.
  local function apply_texts(job, transition)
    for _, name in ipairs(texts) do
      local text = transition[name]
      if text ~= nil then jobs.set_text(job, name, text ~= '' and text or nil) end
    end
    -- A checkpoint ends with its job, unless that is in the dead letter.
    if jobs.is_over(job.state) and not job.deadLetter then jobs.set_text(job, 'checkpoint', nil) end
    if transition.envelope then
      jobs.set_envelope(job, transition.envelope, transition.policy)
    elseif transition.policy then
      jobs.set_policy(job, transition.policy)
    end
    if transition.timeoutMs then jobs.set_timeout(job, transition.timeoutMs) end
  end

  -- The job has ended, or is gone: so has the node that it is. Answers the indexes of the nodes that this makes ready.
  function transitions.close_node(job, result, now)
    return job.node and workflows.close(job.node.workflow, int(job.node.index), job, result, now)
  end

  -- Ports core's `moved`.
  function transitions.move(job, t, now)
    local to = t.to
    local stays = to == 8
    job.finishedAt = jobs.is_over(to) and (jobs.is_over(job.state) and job.finishedAt or now) or nil
    if t.deadLetter ~= nil then job.deadLetter = t.deadLetter end
    if t.fingerprint ~= nil then job.fingerprint = t.fingerprint or nil end
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

  -- Carries out a transition that fits the job. Answers the state before and the nodes that are ready by it. Its events
  -- port core's `eventsOf`.
  local function carry_out(job, transition, now)
    local was = job.state
    local stays = was == 8 and transition.to == 8
    statistics.count(job, was, transition.to, now, job.enqueuedAt, job.attempt > 0, transition.events)
    if not stays then jobs.leave(job, now) end
    local queue = job.queue
    transitions.move(job, transition, now)
    if job.queue ~= queue then segments.moved(job.number, job.queue) end
    apply_texts(job, transition)
    jobs.save(job)
    if stays then jobs.stay(job) else jobs.enter(job, now) end
    for _, event in ipairs(transition.events) do log.job(event.kind, job, was, event.data or nil) end
    if #transition.events == 0 and was ~= job.state then log.job('job.state_changed', job, was) end
    if jobs.is_over(job.state) then
      return was, transitions.close_node(job, job.node and jobs.text(job, 'result'), now)
    end
    return was, nil
  end

  -- Ports core's `verdict`. A repeated call of the same claim never reports its own success as a conflict.
  function transitions.verdict(job, t)
    local fits = bit.band(job.state, t.from) ~= 0 and (t.to ~= 8 or job.state == 8)
    if t.worker and job.worker and job.worker ~= t.worker then return 'refused' end
    if not fits and t.claim and t.claim == job.claim and job.state == t.to then return 'already' end
    if not fits or not jobs.allows(job, t.claim) then return 'refused' end
    if t.envelopeWas and (jobs.envelope(job.id, cells.get('jobs', job.id))) ~= t.envelopeWas then return 'refused' end
    return (t.leaseUntil and job.leaseUntil and job.leaseUntil > t.leaseUntil) and 'refused' or 'moves'
  end

  -- Answers the state before if the job moved, with the workflow and its nodes that are ready by it if there are some;
  -- else the reason of the refusal.
  function transitions.apply(transition, now)
    local job = jobs.read(transition.id)
    if not job then return { kind = 'missing' } end
    local kind = transitions.verdict(job, transition)
    if kind ~= 'moves' then return { kind = kind, job = jobs.full(job.id) } end
    local reopens = transition.reopens
    if reopens and not workflows.reopen(reopens) then return { kind = 'refused', job = jobs.full(job.id) } end
    local was, ready = carry_out(job, transition, now)
    for _, entry in ipairs(reopens and reopens.events or {}) do log_event(entry) end
    if not ready or #ready == 0 then return was end
    return { kind = 'moved', was = was, workflow = job.node.workflow, ready = ready }
  end

  local is_completed = { { kind = 'job.completed' } }

  -- Ports core's `completed`: { id, claim, worker, result }, what is absent is false.
  function transitions.completed(outcome)
    return {
      id = outcome[1], from = 8, to = 16, claim = outcome[2] or nil, worker = outcome[3] or nil, 
      result = outcome[4] or '',
      events = is_completed,
    }
  end

  -- Ports core's `claimed`: what the start of an execution makes of the job.
  function transitions.start(job, claim, now)
    job.state, job.attempt, job.claim = 8, job.attempt + 1, job.claim + 1
    job.leaseRequired = claim.leaseRequired or nil
    job.expiresAt = job.laterExpiresAt
    job.startedAt, job.worker = now, claim.worker
    job.leaseMs = claim.leaseMs or job.visibilityMs or claim.defaultLeaseMs
    job.leaseUntil, job.beatAt = now + job.leaseMs, nil
  end

  local function history_of(job, entry)
    return history.append(jobs.text(job, 'history') or '', entry)
  end

  -- Ports core's `cancelled`.
  function transitions.cancelled(job, now)
    local entry = '{"kind":"cancelled","at":' .. int(now) .. ',"from":' .. job.state .. '}'
    return { to = 64, history = history_of(job, entry), events = { { kind = 'job.cancelled' } } }
  end

  -- Another job takes the place of this one.
  function transitions.cancel(job, now) carry_out(job, transitions.cancelled(job, now), now) end

  -- Core's `fingerprintOf` of each expiry, whatever the numbers in its message.
  local expiries = { expired = 'a437f18a99fa64ea', total_timeout = 'eb32d8cf5d8d12ae',
    enqueue_ttl_expired = '7eee1020f4b4b238' }

  -- Ports core's `expired`: the end of a waiting job that is past its expiry.
  function transitions.expired(job, policy, now)
    local ends_at, events = job.expiresAt, {}
    local ttl = policy and tonumber(string.match(policy, '"enqueueTtlMs":(%d+)'))
    local code, message, details = 'expired', 'The job was not started before expires_at.', nil
    if ends_at == job.deadlineAt then
      local total = ends_at - job.createdAt
      code, message = 'total_timeout', 'The job did not end within total_timeout, ' .. history.seconds(total)
        .. ' s after it was created.'
      details = history.timeout_details('total', total, now - job.createdAt)
      events[1] = { kind = 'job.total_timeout', data = details }
    elseif ttl and job.createdAt + ttl == ends_at then
      code, message = 'enqueue_ttl_expired', 'The job was not started within ' .. history.seconds(ttl) .. ' s.'
      details = history.timeout_details('enqueue_ttl', ttl, now - job.createdAt)
      events[1] = { kind = 'job.ttl_expired', data = details }
    end
    local entry = '{"kind":"expired","at":' .. int(now) .. ',"error":'
      .. history.error_text(code, message, job.attempt, now, details) .. '}'
    local data = '{"created_at":"' .. history.timestamp(job.createdAt) .. '","expired_at":"'
      .. history.timestamp(ends_at) .. '","ttl_ms":' .. int(ends_at - job.createdAt) .. '}'
    events[#events + 1] = { kind = 'job.expired', data = data }
    return { to = 128, history = history_of(job, entry), fingerprint = expiries[code], events = events }
  end

  function transitions.expire(job, now)
    carry_out(job, transitions.expired(job, jobs.policy(job), now), now)
  end

  -- Due jobs become available before a claim, and by upkeep. Answers queues and counts, in the order in which it met
  -- the queues. A job's change ports core's `promoted` and `promotionEvent`.
  function transitions.promote_due(now, limit)
    local counts, positions = {}, {}
    write_pending(p .. 'due')
    local refs = call('ZRANGEBYSCORE', p .. 'due', '-inf', int(now), 'LIMIT', 0, limit)
    local ids = {}
    for i, ref in ipairs(refs) do ids[i] = jobs.id(ref) end
    jobs.fetch(ids, 1, #ids)
    for i, ref in ipairs(refs) do
      local job = jobs.read(ids[i])
      if not job then
        jobs.lost(p .. 'due', ref)
      elseif jobs.is_expired(job, now) then
        transitions.expire(job, now)
      else
        local was = job.state
        jobs.leave(job, now)
        job.state, job.enqueuedAt = 2, now
        jobs.save(job)
        jobs.enter(job, now)
        statistics.count(job, was, 2, now)
        log.job(was == 1 and 'job.enqueued' or 'job.state_changed', job, was)
        local at = positions[job.queue] or #counts + 1
        positions[job.queue] = at
        counts[at] = { job.queue, (counts[at] and counts[at][2] or 0) + 1 }
      end
    end
    return counts
  end
end

return transitions

-- The sets and indexes that have a job, besides its bytes. In sets a job is its ref: its number in 16 digits and its id
-- of 36: equal scores go by creation. s:<state> has unfinished jobs by number and finished ones by their end, s:dead
-- those in the dead letter; due, overdue, expiring go by time; u:<state>:<key> holders of a unique key by creation;
-- cron:<name> the unfinished runs of a cron. Completed jobs of a batch are in `ended` only (ended.lua). Available jobs
-- are also in a ready queue (limit-groups.lua).
local call, cells, int, p, set_score, store, wake, write_pending = require('common')
local queues = require('queues')
local ended = require('ended')
local errors = require('errors')
local jobs = require('job-bytes')
local limit_groups = require('limit-groups')
local limits = require('limits')
do
  local refs = {}

  local function ref_of(job)
    local ref = refs[job.id]
    if not ref then
      ref = string.format('%016d', job.number) .. job.id
      refs[job.id] = ref
    end
    return ref
  end

  -- The id of a job that is read from a set.
  function jobs.id(ref)
    local id = string.sub(ref, -36)
    refs[id] = ref
    return id
  end

  function jobs.is_over(state) return state == 16 or state == 64 or state == 128 end

  -- A job whose bytes are gone, as after a crash that tore an append-only file: what is left of the job in a set goes
  -- too, so that no scan stops there.
  function jobs.lost(key, ref)
    set_score(key, ref, false)
    for _, state in ipairs({ 1, 2, 4, 8, 32 }) do set_score(p .. 's:' .. state, ref, false) end
  end

  -- Removes what is left of lost jobs from the beginning of a set that goes by time.
  function jobs.sweep(key, now, limit)
    write_pending(key)
    for _, ref in ipairs(call('ZRANGEBYSCORE', key, '-inf', int(now), 'LIMIT', 0, limit)) do
      if not jobs.exists(string.sub(ref, -36)) then jobs.lost(key, ref) end
    end
  end

  -- Reports whether a call that names this claim, or none (nil), counts for the current one.
  function jobs.allows(job, claim)
    if claim then return claim == job.claim end
    return not job.leaseRequired
  end

  -- Ports core's `isExpired`.
  function jobs.is_expired(job, now) return job.expiresAt ~= nil and job.expiresAt <= now end

  -- Ports core's `overdueAt`: when an active job is overdue.
  function jobs.overdue_at(job)
    local at = job.leaseUntil
    if job.startedAt then at = math.min(at, job.startedAt + job.timeoutMs) end
    if job.deadlineAt then at = math.min(at, job.deadlineAt) end
    if job.beatAt then at = math.min(at, job.beatAt + job.heartbeatMs) end
    return at
  end

  local function list_of(job) return job.deadLetter and 'dead' or job.state end

  local function may_have_failed(state) return state == 32 or state == 128 end

  -- The set by state, and that of the error.
  local function enter_lists(job, ref)
    local list, score = list_of(job), job.finishedAt or job.number
    set_score(p .. 's:' .. list, ref, score)
    if job.fingerprint and may_have_failed(job.state) then errors.set(job, list, ref, score) end
  end

  -- The job keeps its fingerprint for `enter`, which has it where the job fails again.
  local function leave_lists(job, ref)
    local list = list_of(job)
    set_score(p .. 's:' .. list, ref, false)
    if not may_have_failed(job.state) then return end
    job.fingerprint = cells.get('fingerprints', job.id) or nil
    if job.fingerprint then errors.set(job, list, ref, false) end
  end

  -- A dump restores the lists of a job that failed.
  jobs.enter_lists = enter_lists

  -- Ready queues have a higher priority first, then first in, first out. Below 2^53, so a score keeps all of it.
  function jobs.rank(job, place) return (100 - job.priority) * 17592186044416 + place end

  -- Returns the first rank of the next lower priority, and the place in it.
  function jobs.next_priority(rank)
    local place = rank % 17592186044416
    return rank - place + 17592186044416, place
  end

  -- Adds the job to everything that is kept beside its bytes, by its state.
  function jobs.enter(job, now)
    local state, ref = job.state, ref_of(job)
    queues.add(job.queue, state, 1, now)
    if job.deadLetter then queues.add_dead(job.queue, 1) end
    enter_lists(job, ref)
    if job.uniqueKey then set_score(p .. 'u:' .. state .. ':' .. job.uniqueKey, ref, job.createdAt) end
    if job.cron and not jobs.is_over(state) then set_score(p .. 'cron:' .. job.cron, ref, job.number) end
    if state == 8 then
      set_score(p .. 'overdue', ref, jobs.overdue_at(job))
      limits.started('queue:' .. job.queue, now)
      for _, key in ipairs(limit_groups.keys(limit_groups.of(job))) do
        limits.occupy(key, now)
        limits.started(key, now)
      end
      return
    end
    if job.expiresAt and not jobs.is_over(state) then set_score(p .. 'expiring', ref, job.expiresAt) end
    if state == 1 or state == 32 then set_score(p .. 'due', ref, job.runAt) end
    if state == 2 then
      local group = limit_groups.of(job)
      local rank = jobs.rank(job, store.next('place'))
      set_score(limit_groups.ready_key(job.queue, group), ref, rank)
      for _, key in ipairs(limit_groups.keys(group)) do limits.wait(key, job.queue, 1) end
      limit_groups.touch(job.queue, group, rank)
      wake(job.queue)
    end
  end

  -- Takes back what `enter` has added.
  function jobs.leave(job, now)
    local state, ref = job.state, ref_of(job)
    queues.add(job.queue, state, -1, now)
    if job.deadLetter then queues.add_dead(job.queue, -1) end
    if job.batched then
      ended.remove(ref, job.finishedAt)
      job.batched = nil
    else
      leave_lists(job, ref)
    end
    if job.uniqueKey then set_score(p .. 'u:' .. state .. ':' .. job.uniqueKey, ref, false) end
    if job.cron and not jobs.is_over(state) then set_score(p .. 'cron:' .. job.cron, ref, false) end
    if state == 8 then
      set_score(p .. 'overdue', ref, false)
      limits.free_queue(job.queue)
      for _, key in ipairs(limit_groups.keys(limit_groups.of(job))) do limits.free(key) end
      return
    end
    if job.expiresAt and not jobs.is_over(state) then set_score(p .. 'expiring', ref, false) end
    if state == 1 or state == 32 then set_score(p .. 'due', ref, false) end
    if state == 2 then
      local group = limit_groups.of(job)
      set_score(limit_groups.ready_key(job.queue, group), ref, false)
      for _, key in ipairs(limit_groups.keys(group)) do limits.wait(key, job.queue, -1) end
      limit_groups.touch(job.queue, group)
    end
  end

  -- A job that stays active: only its end may have moved.
  function jobs.stay(job) set_score(p .. 'overdue', ref_of(job), jobs.overdue_at(job)) end

  -- Ports core's `extended`: a heartbeat never shortens the lease.
  function jobs.extend(job, lease_ms, now)
    job.leaseUntil = math.max(job.leaseUntil, now + math.max(lease_ms, job.leaseMs or 0))
    job.beatAt = now
  end

  function jobs.beat(job, lease_ms, now)
    jobs.extend(job, lease_ms, now)
    jobs.stay(job)
    jobs.save(job)
  end

  function jobs.drop(job, now)
    jobs.leave(job, now)
    for _, key in ipairs(limit_groups.keys(limit_groups.of(job))) do limits.named(key, -1) end
    jobs.forget(job)
  end
end

return jobs

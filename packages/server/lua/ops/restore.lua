-- A page of a dump is written.
local call, cells, finish, in_pieces, p, pack, set_score = require('common')
local queues = require('queues')
local segments = require('segments')
local jobs = require('jobs')
local limit_groups = require('limit-groups')
local limits = require('limits')

local texts = { 'result', 'history', 'progress', 'checkpoint' }

-- Does the work of `jobs.enter`, without a start, a place or a wake-up of its own.
local function enter(job, place)
  local state, ref = job.state, string.format('%016d', job.number) .. job.id
  queues.add(job.queue, state, 1, job.createdAt)
  if job.deadLetter then queues.add_dead(job.queue, 1) end
  jobs.enter_lists(job, ref)
  if job.uniqueKey then set_score(p .. 'u:' .. state .. ':' .. job.uniqueKey, ref, job.createdAt) end
  if job.cron and not jobs.is_over(state) then set_score(p .. 'cron:' .. job.cron, ref, job.number) end
  local group = limit_groups.of(job)
  for _, key in ipairs(limit_groups.keys(group)) do
    limits.named(key, 1)
    if state == 8 then limits.occupy(key, 0) end
    if state == 2 then limits.wait(key, job.queue, 1) end
  end
  if state == 8 then set_score(p .. 'overdue', ref, jobs.overdue_at(job)) end
  if state == 1 or state == 32 then set_score(p .. 'due', ref, job.runAt) end
  if job.expiresAt and state ~= 8 and not jobs.is_over(state) then set_score(p .. 'expiring', ref, job.expiresAt) end
  if state == 2 then
    set_score(limit_groups.ready_key(job.queue, group), ref, jobs.rank(job, place))
    limit_groups.touch(job.queue, group)
  end
end

-- { id, empty }: marks the namespace, so that no server uses it before the restore has ended. Answers
-- false for one that is in use: it is not empty, and no restore has left a mark.
function changing.restore_begin(request)
  if not request.empty and not call('HGET', p .. 'layout', 'restoring') then return false end
  call('HSET', p .. 'layout', 'restoring', request.id)
  return true
end

-- { id }.
function changing.restore_end(request)
  if call('HGET', p .. 'layout', 'restoring') == request.id then call('HDEL', p .. 'layout', 'restoring') end
  return true
end

-- { id, now, queues, limits, commands, requests, jobs }. A command is its name, the name of its key, and its
-- arguments. Limits and their starts must be there before the jobs that name them.
function adding.restore(request)
  if call('HGET', p .. 'layout', 'restoring') ~= request.id then return false end
  for _, queue in ipairs(request.queues) do
    local row = queues.make(queue.name, queue.createdAt)
    row.version, row.capacity, row.paused = queue.version, queue.capacity, queue.paused or nil
    if queue.config then call('HSET', p .. 'configs', queue.name, queue.config) end
  end
  for _, limit in ipairs(request.limits) do
    local row = limits.make(limit.key)
    row.own, row.override = limit.own, limit.override
    limits.used(limit.key, row, limit.usedAt)
  end
  for _, command in ipairs(request.commands) do in_pieces(command[1], p .. command[2], command[3]) end
  for _, one in ipairs(request.requests) do
    call('HSET', p .. 'requests', one.key, pack({ at = one.at, claims = one.claims }))
    call('ZADD', p .. 'requests:at', one.at, one.key)
  end
  for _, one in ipairs(request.jobs) do
    local job = jobs.parse(one.id, one.bytes, one.record)
    jobs.add(job, one.bytes, one.number)
    segments.made(job.queue, job.type, job.number, job.number, true)
    if one.envelope then cells.set('envelopes', one.id, one.envelope) end
    for _, name in ipairs(texts) do
      if one[name] then jobs.set_text(job, name, one[name]) end
    end
    job.fingerprint = one.fingerprint
    jobs.save(job)
    enter(job, one.place)
  end
  finish(request.now)
  return true
end

-- Upkeep: promotion, overdue jobs, leased jobs, retention.
local call, finish, in_pieces, int, p, set_score, store, write_pending = require('common')
local statistics = require('statistics')
local ended = require('ended')
local jobs = require('jobs')
local limits = require('limits')
local transitions = require('transitions')
local workflows = require('workflows')

-- { now, limit }; answers counts by queue.
function changing.promote(request)
  local counts = transitions.promote_due(request.now, request.limit)
  for _, key in ipairs({ 'overdue', 'expiring' }) do jobs.sweep(p .. key, request.now, request.limit) end
  finish(request.now)
  return counts
end

-- { now, limit }; answers jobs, longest overdue first, then by creation.
function reading.overdue(request)
  local late = {}
  for _, key in ipairs({ 'overdue', 'expiring' }) do
    local found = call('ZRANGEBYSCORE', p .. key, '-inf', int(request.now), 'WITHSCORES', 'LIMIT', 0, request.limit)
    for i = 1, #found, 2 do late[#late + 1] = { ref = found[i], at = tonumber(found[i + 1]) } end
  end
  table.sort(late, function(a, b) return a.at < b.at or (a.at == b.at and a.ref < b.ref) end)
  local out = {}
  for i = 1, math.min(#late, request.limit) do out[#out + 1] = jobs.full(jobs.id(late[i].ref)) end
  return out
end

-- Answers the score of the first job that waits for a time; nothing where none does.
function reading.next_due(_)
  local first
  for _, key in ipairs({ 'due', 'overdue', 'expiring' }) do
    local at = tonumber(call('ZRANGE', p .. key, 0, 0, 'WITHSCORES')[2])
    if at and (not first or at < first) then first = at end
  end
  return first
end

-- { after, limit, look }: active jobs with a worker by number; looks at up to `look` jobs. Answers { id,
-- claim, worker, startedAt } of each, and the number of the last one looked at where more follow.
function reading.held(request)
  local found, from = {}, request.after
  local refs = call('ZRANGEBYSCORE', p .. 's:8', '(' .. int(from), '+inf', 'WITHSCORES', 'LIMIT', 0, request.look)
  for i = 1, #refs, 2 do
    local job = jobs.read(string.sub(refs[i], -36))
    if job and job.worker then
      if #found == request.limit then return { found, from } end
      found[#found + 1] = { job.id, job.claim, job.worker, job.startedAt }
    end
    from = tonumber(refs[i + 1])
  end
  return { found, #refs == 2 * request.look and from }
end

local function prune_jobs(rule, limit)
  if not jobs.is_over(rule.state) or (rule.deadLetter and rule.state ~= 128) then return { 0, 0, 0, false } end
  local key = p .. 's:' .. (rule.deadLetter and 'dead' or rule.state)
  write_pending(key)
  local surplus, gone, over_cap = call('ZCARD', key) + (rule.state == 16 and store.get('ended') or 0) - rule.keep, 0, 0
  local last_at = false

  local oldest, i = call('ZRANGE', key, 0, limit - 1, 'WITHSCORES'), 1
  local batches = rule.state == 16 and ended.walk()
  while gone < limit do
    local ref, at = oldest[i], tonumber(oldest[i + 1])
    local other, ended_at
    if batches then other, ended_at = batches.peek() end
    local is_batched = other and (not ref or ended_at < at or (ended_at == at and other < ref))
    if is_batched then ref, at = other, ended_at end
    if not ref or (gone >= surplus and at >= rule.before) then break end
    local job = jobs.read(jobs.id(ref))
    if is_batched then
      batches.take()
      if job then job.batched = nil end
    else
      i = i + 2
    end
    if job then jobs.drop(job, 0) elseif not is_batched then set_score(key, ref, false) end
    gone, last_at = gone + 1, at
    if at >= rule.before then over_cap = over_cap + 1 end
  end
  if batches then batches.finish() end
  return { gone, over_cap, math.max(0, surplus - gone), last_at }
end

-- Removes whole batches: a batch stays until its last event may go.
local function prune_events(before, keep, limit, kinds)
  local newest, gone, texts = store.get('position'), 0, {}
  for _, batch in ipairs(call('ZRANGE', p .. 'log', 0, limit - 1)) do
    local at, count, position = string.match(batch, '^(%-?%d+):(%d+):(%d+)$')
    if tonumber(at) >= before and tonumber(position) + tonumber(count) - 1 > newest - keep then break end
    gone = gone + 1
    texts[gone] = position
  end
  if gone > 0 then
    call('ZREMRANGEBYRANK', p .. 'log', 0, gone - 1)
    in_pieces('HDEL', p .. 'entries', texts)
    for _, kind in ipairs(kinds) do call('ZREMRANGEBYSCORE', p .. 'log:' .. kind, '-inf', texts[gone]) end
  end
  return gone
end

local function prune_requests(before, limit)
  local old = call('ZRANGEBYSCORE', p .. 'requests:at', '-inf', '(' .. int(before), 'LIMIT', 0, limit)
  if #old > 0 then
    in_pieces('HDEL', p .. 'requests', old)
    in_pieces('ZREM', p .. 'requests:at', old)
  end
  return #old
end

-- Forgets workers without a heartbeat since; the longest silent first.
local function prune_workers(before, limit)
  local old = call('ZRANGEBYSCORE', p .. 'workers', '-inf', '(' .. int(before), 'LIMIT', 0, limit)
  for _, worker in ipairs(old) do
    call('UNLINK', p .. 'w:' .. worker)
    call('ZREM', p .. 'workers', worker)
  end
  return #old
end

-- { rules, limit }; answers { gone, beyond the number alone, left beyond the number, end of the last gone }
-- of each rule for jobs, and { kind, gone } of the other rules that are given.
function changing.prune(request)
  local rules, limit, of_jobs, others = request.rules, request.limit, {}, {}
  local function note(kind, gone) others[#others + 1] = { kind, gone } end
  for i, rule in ipairs(rules.jobs) do of_jobs[i] = prune_jobs(rule, limit) end
  if rules.events then note('events', prune_events(rules.events.before, rules.events.keep, limit, rules.kinds)) end
  if rules.requestsBefore then note('requestsBefore', prune_requests(rules.requestsBefore, limit)) end
  if rules.workersBefore then note('workersBefore', prune_workers(rules.workersBefore, limit)) end
  if rules.limitsBefore then
    limits.flush()
    note('limitsBefore', limits.prune(rules.limitsBefore, limit))
  end
  if rules.workflows then note('workflows', workflows.prune(rules.workflows.before, rules.workflows.keep, limit)) end
  if rules.statisticsBefore then note('statisticsBefore', statistics.prune(rules.statisticsBefore, limit)) end
  finish(0)
  return { of_jobs, others }
end

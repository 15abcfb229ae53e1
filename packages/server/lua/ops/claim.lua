-- One batch of claims.
local call, cells, finish, int, p, pack, store, unpacked, wake, write_pending = require('common')
local log = require('event-log')
local statistics = require('statistics')
local queues = require('queues')
local end_run, start_plain = require('plain-start')

local now
-- The most that one call may clear away: jobs that have expired, and limit groups that a key keeps from starting. Each
-- such group is closed, so a key that closes costs so many only where others kept its groups apart. `bytes` is the room
-- left in the answer; `full` is set once a job did not fit.
local budget

-- Ready queues, first to last, read ahead in growing pieces.
local ready_queues = {}

local function ready_queue_of(key, size)
  local ready = ready_queues[key]
  if not ready then
    ready = { key = key, refs = {}, at = 1, size = size, ended = false }
    ready_queues[key] = ready
  end
  return ready
end

-- The first job of a ready queue and its rank.
local function peek(ready)
  if ready.at > #ready.refs and not ready.ended then
    write_pending(ready.key)
    ready.refs = call('ZRANGE', ready.key, 0, ready.size - 1, 'WITHSCORES')
    ready.at = 1
    ready.ended = #ready.refs < 2 * ready.size
    ready.size = math.min(1000, ready.size * 4)
  end
  return ready.refs[ready.at], tonumber(ready.refs[ready.at + 1])
end

-- Starts an execution.
local function start(job, claim)
  local jobs, transitions = require('jobs'), require('transitions')
  local was_enqueued = job.enqueuedAt
  jobs.leave(job, now)
  transitions.start(job, claim, now)
  jobs.set_text(job, 'progress', nil)
  jobs.save(job)
  jobs.enter(job, now)
  statistics.count(job, 2, 8, now, was_enqueued, job.attempt > 1)
  log.job('job.started', job, 2)
end

-- Reads the next jobs of a ready queue at once. The data read of one job is bounded: long envelopes are elsewhere.
local function read_ahead(ready, wanted)
  if ready.read_refs == ready.refs and ready.read > ready.at then return end
  local ids = {}
  for i = 1, math.min(wanted, (#ready.refs - ready.at + 1) / 2) do
    ids[i] = string.sub(ready.refs[ready.at + 2 * i - 2], -36)
  end
  cells.fetch('jobs', ids, 1, #ids)
  cells.fetch('states', ids, 1, #ids)
  ready.read, ready.read_refs = ready.at + 2 * #ids, ready.refs
end

-- Reports whether the answer has room for so many bytes. One job is handed out whatever its size.
local function has_bytes(bytes)
  if budget.started and bytes > budget.bytes then
    budget.full = true
    return false
  end
  budget.bytes, budget.started = budget.bytes - bytes, true
  return true
end

local function hand_out(batch, job, id, claim)
  batch.taken[#batch.taken + 1] = job
  local at = #batch.claims
  batch.claims[at + 1], batch.claims[at + 2] = id, claim
end

-- Starts the first of a ready queue, or discards it where it has expired. Returns false if the call has used up its
-- budget: the answer then asks waiting callers to repeat the call.
local function take(batch, ready, queue)
  local jobs = require('jobs')
  local ref = ready.refs[ready.at]
  local id = jobs.id(ref)
  local job = jobs.read(id)
  end_run()
  if not job then
    jobs.lost(ready.key, ref)
    queues.add(queue, 2, -1, now)
  elseif not jobs.is_expired(job, now) then
    if not has_bytes(jobs.size(job)) then return false end
    start(job, batch.claim)
    hand_out(batch, jobs.full(id), id, job.claim)
  elseif budget.expired > 0 then
    budget.expired = budget.expired - 1
    require('transitions').expire(job, now)
  else
    wake(queue)
    return false
  end
  ready.at = ready.at + 2
  return true
end

-- Starts plain jobs; answers how many.
local function take_plain(batch, ready, most, rival)
  local bytes = budget.started and budget.bytes
    or math.max(budget.bytes, #(cells.get('jobs', string.sub(ready.refs[ready.at], 17)) or ''))
  local taken, size = start_plain(ready, batch.claim, now, most, rival, bytes, batch.taken, batch.claims)
  if taken > 0 then has_bytes(size) end
  return taken
end

local function has_room(batch, queue)
  if #batch.taken >= batch.claim.limit or budget.full then return false end
  if not queues.is_limited(queue) then return true end
  return not require('limits').closed_until('queue:' .. queue, now)
end

-- Takes from the head of a ready queue until another queue's head, `rival`, comes first. False where the call must
-- leave the queue.
local function take_run(batch, ready, queue, rival, group)
  local limit_groups = group and require('limit-groups')
  while peek(ready) do
    local most = batch.claim.limit - #batch.taken
    read_ahead(ready, most)
    if group then most = math.min(most, limit_groups.room(group)) end
    if take_plain(batch, ready, most, rival) == 0 and not take(batch, ready, queue) then return false end
    if not has_room(batch, queue) or (group and limit_groups.closing_key(group, now)) then break end
    local _, head = peek(ready)
    if head and rival and rival < head then break end
  end
  return true
end

-- Takes what the limits of the group let start. A group that a key has closed goes to its waitlist.
local function take_from_group(batch, row, rival)
  local limit_groups = require('limit-groups')
  local queue, group = row.queue, row.group
  local closed = limit_groups.closing_key(group, now)
  if closed then
    limit_groups.leave(row, row.head, closed, now)
    budget.groups = budget.groups - 1
    if budget.groups <= 0 then wake(queue) end
    return budget.groups > 0
  end
  limit_groups.visited = queue .. '\n' .. group
  local ready = ready_queue_of(limit_groups.ready_key(queue, group), 4)
  local goes_on = take_run(batch, ready, queue, rival, group)
  limit_groups.visited = nil
  local _, head = peek(ready)
  limit_groups.leave(row, head, limit_groups.closing_key(group, now), now)
  return goes_on
end

local function first_of(...)
  local best
  for i = 1, select('#', ...) do
    local head = select(i, ...)
    if head and not (best and best < head) then best = head end
  end
  return best
end

-- How many jobs wait in a group, where its ready queue was read to the end.
local function waiting_in(group)
  local ready = ready_queues[require('limit-groups').ready_key(group.queue, group.group)]
  return ready and ready.ended and (#ready.refs - ready.at + 1) / 2 or nil
end

-- Reads the first jobs of groups that the claim may come to.
local function read_heads(queue, groups)
  local limit_groups, ids, heads = require('limit-groups'), {}, {}
  for _, group in ipairs(groups) do
    local ready = ready_queue_of(limit_groups.ready_key(queue, group), 4)
    local ref = peek(ready)
    if ref and not (ready.read_refs == ready.refs and ready.read > ready.at) then
      ids[#ids + 1] = string.sub(ref, -36)
      heads[#heads + 1] = ready
    end
  end
  if #ids < 2 then return end
  cells.fetch('jobs', ids, 1, #ids)
  cells.fetch('states', ids, 1, #ids)
  for _, ready in ipairs(heads) do ready.read, ready.read_refs = ready.at + 2, ready.refs end
end

local function take_from(batch, queue)
  local row = queues.find(queue)
  if not row or row.paused then return end
  local has_groups = row.limitGroups > 0
  local limit_groups = has_groups and require('limit-groups')
  if has_groups then limit_groups.reopen(queue, now, 500) end
  local asked = has_groups and 4 or math.max(1, batch.claim.limit - #batch.taken)
  local unlimited = ready_queue_of(p .. 'ready:' .. queue, asked)
  local goes_on = true
  while goes_on and has_room(batch, queue) do
    local _, head = peek(unlimited)
    local group, other, found
    if has_groups then
      group, other, found = limit_groups.best(queue, batch.claim.limit - #batch.taken)
      if found and #found > 2 then read_heads(queue, found) end
    end
    if group and not (head and head < group.head) then
      goes_on = take_from_group(batch, group, first_of(head, other, limit_groups.next(group, waiting_in(group))))
    else
      goes_on = head ~= nil and take_run(batch, unlimited, queue, group and group.head)
    end
  end
  end_run()
end

-- When a rate that holds back jobs of these queues lets one start.
local function again(names)
  local limit_groups = loaded('limit-groups')
  if limit_groups then limit_groups.settle(now) end
  local first
  for _, queue in ipairs(names) do
    local row = queues.find(queue)
    if row and not row.paused and (row.s2 or 0) > 0 then
      local of_groups = row.limitGroups > 0 and require('limit-groups').reopens_at(queue) or nil
      first = first_of(first, require('limits').reopens_at('queue:' .. queue, now), of_groups)
    end
  end
  return first or false
end

-- The jobs of a request that was answered before, as far as the worker still has them.
local function repeated(key)
  local known = key and call('HGET', p .. 'requests', key)
  if not known then return nil end
  local held, jobs = {}, require('jobs')
  local claims = unpacked(known).claims
  for i = 1, #claims, 2 do
    local job = jobs.read(claims[i])
    if job and job.state == 8 and job.claim == claims[i + 1] then
      held[#held + 1] = jobs.full(job.id)
      budget.bytes, budget.started = budget.bytes - jobs.size(job), true
    end
  end
  return held
end

local function remember(key, claims)
  call('HSET', p .. 'requests', key, pack({ at = now, claims = claims }))
  call('ZADD', p .. 'requests:at', now, key)
end

local function serve(claim)
  if budget.full then return { {}, false, true } end
  local held = repeated(claim.key)
  if held then return { held, false } end
  local batch = { claim = claim, taken = {}, claims = {} }
  for _, queue in ipairs(claim.queues) do
    if #batch.taken >= claim.limit then break end
    take_from(batch, queue)
  end
  -- An empty answer is not remembered: a fetch that waits asks again under the same id.
  if claim.key and #batch.taken > 0 then remember(claim.key, batch.claims) end
  if #batch.taken == 0 and budget.full then return { {}, false, true } end
  return { batch.taken, #batch.taken < claim.limit and again(claim.queues), false }
end

-- Keys of fetches; answers id and claim of each job that each of them got.
function reading.claims_of(keys)
  local out = {}
  for i, key in ipairs(keys) do
    local known = call('HGET', p .. 'requests', key)
    out[i] = known and unpacked(known).claims or {}
  end
  return out
end

-- Ports core's `isShort`: a claim asks for more jobs than are available in its queues.
local function is_short(claims)
  for _, claim in ipairs(claims) do
    local left, seen = claim.limit, {}
    for _, queue in ipairs(claim.queues) do
      if not seen[queue] then left = left - queues.count(queue, 2) end
      seen[queue] = true
    end
    if left > 0 then return true end
  end
  return false
end

-- { now, claims, maxBytes, promoted, expired }; `promoted` and `expired` bound what
-- the call does besides its claims. Answers jobs, `again` and whether it was deferred of each claim.
function changing.claim(request)
  -- Starts under a rate are in the order of their times, though the clocks of callers differ.
  now = math.max(request.now, store.get('start'))
  budget = { expired = request.expired, groups = 500, bytes = request.maxBytes, started = false, full = false }
  if is_short(request.claims) and call('ZRANGEBYSCORE', p .. 'due', '-inf', int(now), 'LIMIT', 0, 1)[1] then
    require('transitions').promote_due(now, request.promoted)
    require('limit-groups').settle(now)
  end
  local out = {}
  for i, claim in ipairs(request.claims) do out[i] = serve(claim) end
  finish(now)
  return out
end

#!lua flags=allow-oom
-- With promotion.
-- Packed { now, claims, promoted, expired }; `promoted` and `expired` bound what the call does besides handing out.
-- Answers jobs and `again` of each claim.
local request = unpacked(ARGV[1])
-- Starts that a rate counts are in the order of their times, though the clocks of callers differ.
local now = math.max(request.now, store.get('start'))
-- Lanes to look at in vain in one call. Each is parked by it, so a key that closes costs so many only where others kept
-- its lanes apart.
local budget = { expired = request.expired, lanes = 500 }

-- What waits in a set, first to last, read ahead in growing pieces.
local lines = {}

local function line_of(key, size)
  local line = lines[key]
  if not line then
    line = { key = key, refs = {}, at = 1, size = size, ended = false }
    lines[key] = line
  end
  return line
end

local function peek(line)
  if line.at > #line.refs and not line.ended then
    write_pending(line.key)
    line.refs = call('ZRANGE', line.key, 0, line.size - 1, 'WITHSCORES')
    line.at = 1
    line.ended = #line.refs < 2 * line.size
    line.size = math.min(1000, line.size * 4)
  end
  return line.refs[line.at], tonumber(line.refs[line.at + 1])
end

-- Answers the packed row.
local function start(job, claim)
  local was_enqueued = job.enqueuedAt
  jobs.leave(job, now)
  job.state, job.attempt, job.claim = 8, job.attempt + 1, job.claim + 1
  job.expiresAt = job.laterExpiresAt
  job.startedAt, job.worker = now, claim.worker
  job.leaseMs = claim.leaseMs or job.visibilityMs or claim.defaultLeaseMs
  job.leaseUntil, job.beatAt = now + job.leaseMs, nil
  jobs.set_text(job, 'progress', nil)
  local row = jobs.save(job)
  jobs.enter(job, now)
  changes.sum(job, 2, 8, now, was_enqueued)
  if logged then tell(jobs.entry('job.started', job, 2)) end
  return row
end

-- Starts the first of a line, or discards it where it has expired. False where the call's share of clearing is done:
-- who waits is told to ask again.
local function take(round, line, queue)
  local id = jobs.id(line.refs[line.at])
  local texts = call('HMGET', p .. 'j:' .. id, 'j', 'e')
  if not texts[1] then
    jobs.lost(line.key, line.refs[line.at])
    queues.add(queue, 2, -1, now)
    line.at = line.at + 2
    return true
  end
  local job = unpacked(texts[1])
  if not jobs.is_expired(job, now) then
    local at = #round.taken + 1
    round.taken[at] = told_job(id, start(job, round.claim), texts[2], job.large)
    round.claims[at] = { id, job.claim }
  elseif budget.expired > 0 then
    budget.expired = budget.expired - 1
    changes.expire(job, now)
  else
    wake(queue)
    return false
  end
  line.at = line.at + 2
  return true
end

local function has_room(round, queue)
  return #round.taken < round.claim.limit and not limits.closed_until('queue:' .. queue, now)
end

-- Takes from the front of a line until the rival is before it. False where the queue is to be left.
local function take_run(round, line, queue, rival, lane)
  while peek(line) do
    if not take(round, line, queue) then return false end
    if not has_room(round, queue) or (lane and lanes.closing(lane, now)) then break end
    local _, head = peek(line)
    if head and rival and rival < head then break end
  end
  return true
end

-- Takes what the lane lets go; a lane that a key has closed is parked.
local function visit(round, row, rival)
  local queue, lane = row.queue, row.lane
  local closed = lanes.closing(lane, now)
  if closed then
    lanes.leave(row, row.head, closed, now)
    budget.lanes = budget.lanes - 1
    if budget.lanes <= 0 then wake(queue) end
    return budget.lanes > 0
  end
  lanes.visited = queue .. '\n' .. lane
  local line = line_of(lanes.ready(queue, lane), 4)
  local goes_on = take_run(round, line, queue, rival, lane)
  lanes.visited = nil
  local _, head = peek(line)
  lanes.leave(row, head, lanes.closing(lane, now), now)
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

local function take_from(round, queue)
  local row = queues.find(queue)
  if not row or row.paused then return end
  local has_lanes = row.lanes > 0
  if has_lanes then lanes.wake_up(queue, now, 500) end
  local plain = line_of(lanes.ready(queue, ''), has_lanes and 4 or math.max(1, round.claim.limit - #round.taken))
  local goes_on = true
  while goes_on and has_room(round, queue) do
    local _, head = peek(plain)
    local lane, other
    if has_lanes then lane, other = lanes.best(queue) end
    if lane and not (head and head < lane.head) then
      goes_on = visit(round, lane, first_of(head, other, lanes.next(lane)))
    else
      goes_on = head ~= nil and take_run(round, plain, queue, lane and lane.head)
    end
  end
end

-- When a rate that holds back jobs of these queues lets one start.
local function again(names)
  lanes.settle(now)
  local first
  for _, queue in ipairs(names) do
    local row = queues.find(queue)
    if row and not row.paused and (row.s2 or 0) > 0 then
      first = first_of(first, limits.reopens('queue:' .. queue, now), row.lanes > 0 and lanes.alarm(queue) or nil)
    end
  end
  return first or false
end

-- What a request that was answered before still holds.
local function repeated(key)
  local known = key and call('HGET', p .. 'requests', key)
  if not known then return nil end
  local held = {}
  for _, one in ipairs(unpacked(known).claims) do
    local job = jobs.read(one[1])
    if job and job.state == 8 and job.claim == one[2] then held[#held + 1] = jobs.full(job.id) end
  end
  return held
end

local function remember(key, claims)
  call('HSET', p .. 'requests', key, pack({ at = now, claims = claims }))
  call('ZADD', p .. 'requests:at', now, key)
end

local function serve(claim)
  local held = repeated(claim.key)
  if held then return { held, false } end
  local round = { claim = claim, taken = {}, claims = {} }
  for _, queue in ipairs(claim.queues) do
    if #round.taken >= claim.limit then break end
    take_from(round, queue)
  end
  -- An empty answer is not remembered: a fetch that waits asks again under the same id.
  if claim.key and #round.taken > 0 then remember(claim.key, round.claims) end
  return { round.taken, #round.taken < claim.limit and again(claim.queues) }
end

promote(now, request.promoted)
lanes.settle(now)
local out = {}
for i, claim in ipairs(request.claims) do out[i] = serve(claim) end
finish(now)
return pack(out)

-- Workers: the sorted set `workers` holds their names by the time of their last heartbeat, the hash w:<worker> what is
-- known of one.
local call, finish, int, p = require('common')
local log = require('event-log')
local history = require('history')
local jobs = require('jobs')

-- Answers name and record of each.
function reading.worker_list()
  local out = {}
  for _, worker in ipairs(call('ZRANGE', p .. 'workers', 0, -1)) do
    out[#out + 1] = worker
    out[#out + 1] = call('HMGET', p .. 'w:' .. worker, 'seen', 'before', 'state', 'directive', 'info', 'holds', 'held')
  end
  return out
end

-- ARGV: worker, directive ('' for none). Answers whether the worker is known.
function changing.worker_direct()
  local worker = p .. 'w:' .. ARGV[1]
  if call('EXISTS', worker) == 0 then return 0 end
  if ARGV[2] == '' then call('HDEL', worker, 'directive') else call('HSET', worker, 'directive', ARGV[2]) end
  return 1
end

-- ARGV: worker. Answers whether the worker was known.
function changing.worker_forget()
  call('ZREM', p .. 'workers', ARGV[1])
  return call('DEL', p .. 'w:' .. ARGV[1])
end

-- Extends the lease of a job, where core's `isOwner` is true, which this ports. Answers 1; 0 where the worker has lost
-- the job.
local function extend(id, claim, worker, lease_ms, now)
  local job = jobs.read(id)
  if not job or job.state ~= 8 or (job.worker or worker) ~= worker or not jobs.allows(job, tonumber(claim)) then
    return 0
  end
  jobs.beat(job, lease_ms, now)
  -- A caller that holds the job by its claim alone names itself here; the event carries the name.
  job.worker = worker
  log.job('job.heartbeat', job, 8, '{"visible_until":"' .. history.timestamp(job.leaseUntil) .. '"}')
  return 1
end

-- ARGV: now, then of each heartbeat: worker, its state, info, the ids that it lists as JSON ('' where
-- it lists none, or not all), extension ('' for the length of each lease), the time until which it knows of its claims
-- ('' for all), number of jobs, id and claim ('' where it is unknown) of each. Answers of each heartbeat the directive,
-- then 1 for a job that was extended and 0 for a lost one.
function changing.worker_beat()
  local now = tonumber(ARGV[1])
  local out, at = {}, 2
  while at <= #ARGV do
    local worker, state, info, listed, count = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3],
      tonumber(ARGV[at + 6])
    local lease_ms = tonumber(ARGV[at + 4]) or 0
    local key = p .. 'w:' .. worker
    local known = call('HMGET', key, 'seen', 'holds', 'directive')
    local fields, gone = { 'seen', int(now), 'state', state, 'info', info }, {}
    local function set(name, value)
      if not value then gone[#gone + 1] = name return end
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
    set('before', known[1] and int(math.min(tonumber(known[1]), tonumber(ARGV[at + 5]) or tonumber(known[1]))))
    set('held', known[2])
    set('holds', listed ~= '' and listed)
    call('HSET', key, unpack(fields))
    if #gone > 0 then call('HDEL', key, unpack(gone)) end
    call('ZADD', p .. 'workers', int(now), worker)
    local answer = { known[3] }
    at = at + 7
    for _ = 1, count do
      answer[#answer + 1] = extend(ARGV[at], ARGV[at + 1], worker, lease_ms, now)
      at = at + 2
    end
    out[#out + 1] = answer
  end
  finish(now)
  return out
end

#!lua flags=allow-oom
-- With changes.
-- ARGV: now, then of each heartbeat: worker, its state, info, the ids that it lists as JSON ('' where it lists none, or
-- not all), extension ('' for the length of each reservation), number of jobs, id and claim ('' where it is unknown) of
-- each. `workers` holds the names by the time of their last heartbeat, w:<worker> what is known of one. Answers of each
-- the directive, then 1 for a job that was extended and 0 for one that is lost.
local now = tonumber(ARGV[1])

local function extend(id, claim, worker, lease_ms)
  local job = jobs.read(id)
  if not job or job.state ~= 8 or (job.worker or worker) ~= worker or (claim ~= '' and tonumber(claim) ~= job.claim) then return 0 end
  jobs.beat(job, lease_ms, now)
  -- Whoever holds the job by its claim alone has told its name now; the event does.
  job.worker = worker
  tell(jobs.entry('job.heartbeat', job, 8, '{"visible_until":"' .. changes.timestamp(job.leaseUntil) .. '"}'))
  return 1
end

local out, at = {}, 2
while at <= #ARGV do
  local worker, state, info, listed, count = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 5])
  local lease_ms = tonumber(ARGV[at + 4]) or 0
  local key = p .. 'w:' .. worker
  local known = call('HMGET', key, 'seen', 'holds', 'directive')
  local fields, gone = { 'seen', int(now), 'state', state, 'info', info }, {}
  local function set(name, value)
    if not value then gone[#gone + 1] = name return end
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  set('before', known[1])
  set('held', known[2])
  set('holds', listed ~= '' and listed)
  call('HSET', key, unpack(fields))
  if #gone > 0 then call('HDEL', key, unpack(gone)) end
  call('ZADD', p .. 'workers', int(now), worker)
  local answer = { known[3] }
  at = at + 6
  for _ = 1, count do
    answer[#answer + 1] = extend(ARGV[at], ARGV[at + 1], worker, lease_ms)
    at = at + 2
  end
  out[#out + 1] = answer
end
finish(now)
return out

#!lua flags=allow-oom
-- With jobs.
-- Packed { rules, limit }; answers how many are gone, and of each rule the jobs that are gone because of their number
-- alone.
local request = unpacked(ARGV[1])
local rules, limit = request.rules, request.limit

local function prune_jobs(rule)
  if not jobs.is_over(rule.state) or (rule.deadLetter and rule.state ~= 128) then return 0, 0 end
  local key = p .. 's:' .. (rule.deadLetter and 'dead' or rule.state)
  write_pending(key)
  local surplus, gone, over_cap = call('ZCARD', key) - rule.keep, 0, 0
  local oldest = call('ZRANGE', key, 0, limit - 1, 'WITHSCORES')
  for i = 1, #oldest, 2 do
    if gone >= surplus and tonumber(oldest[i + 1]) >= rule.before then break end
    local job = jobs.read(jobs.id(oldest[i]))
    if job then jobs.drop(job, 0) else place(key, oldest[i], false) end
    gone = gone + 1
    if tonumber(oldest[i + 1]) >= rule.before then over_cap = over_cap + 1 end
  end
  return gone, over_cap
end

-- A batch goes as a whole, when its last event may.
local function prune_events(before, keep)
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
  end
  return gone
end

local function prune_requests(before)
  local old = call('ZRANGEBYSCORE', p .. 'requests:at', '-inf', '(' .. int(before), 'LIMIT', 0, limit)
  if #old > 0 then
    in_pieces('HDEL', p .. 'requests', old)
    in_pieces('ZREM', p .. 'requests:at', old)
  end
  return #old
end

local gone, over_cap = 0, {}
for i, rule in ipairs(rules.jobs) do
  local removed
  removed, over_cap[i] = prune_jobs(rule)
  gone = gone + removed
end
gone = gone + prune_events(rules.events.before, rules.events.keep) + prune_requests(rules.requestsBefore)
gone = gone + workers.prune(rules.workersBefore, limit)
limits.flush()
gone = gone + limits.prune(rules.limitsBefore, limit)
gone = gone + graph.prune(rules.workflows.before, rules.workflows.keep, limit) + sums.prune(rules.statisticsBefore, limit)
finish(0)
return pack({ gone, over_cap })

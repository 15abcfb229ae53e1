#!lua
-- With admission.
-- ARGV[1]: packed { now, firings }; a firing is { name, version, due ('' for never), cancels, job, events }. Answers of
-- each the answer to its insert in a list, which is empty where it has no job; false where another server fired.
local request = unpacked(ARGV[1])
local now = request.now
local out = {}
for i, firing in ipairs(request.firings) do
  local cron = p .. 'c:' .. firing.name
  out[i] = false
  if call('HGET', cron, 'v') == int(firing.version) then
    for _, transition in ipairs(firing.cancels) do changes.move(transition, now) end
    local inserted = firing.job and insert_always(firing.job, now)
    if not inserted or inserted.kind ~= 'duplicate' then
      for _, entry in ipairs(firing.events) do tell(entry) end
    end
    if inserted and inserted.kind == 'inserted' then
      call('HINCRBY', cron, 'rc', 1)
      call('HSET', cron, 'lr', int(now), 'lj', firing.job.job.id)
    end
    call('HSET', cron, 'due', firing.due)
    call('HINCRBY', cron, 'v', 1)
    crons.schedule(firing.name)
    out[i] = { inserted or nil }
  end
end
local answer = pack(out)
finish(now)
return answer

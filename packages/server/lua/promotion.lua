-- Due jobs move on before a claim, and by upkeep. Answers queues and counts, in the order in which the queues were met.
local function promote(now, limit)
  local counts, places = {}, {}
  write_pending(p .. 'due')
  for _, ref in ipairs(call('ZRANGEBYSCORE', p .. 'due', '-inf', int(now), 'LIMIT', 0, limit)) do
    local job = jobs.read(jobs.id(ref))
    if not job then
      jobs.lost(p .. 'due', ref)
    elseif jobs.is_expired(job, now) then
      changes.expire(job, now)
    else
      local was = job.state
      jobs.leave(job, now)
      job.state, job.enqueuedAt = 2, now
      jobs.save(job)
      jobs.enter(job, now)
      changes.sum(job, was, 2, now)
      tell(jobs.entry(was == 1 and 'job.enqueued' or 'job.state_changed', job, was))
      local place = places[job.queue] or #counts + 1
      places[job.queue] = place
      counts[place] = { job.queue, (counts[place] and counts[place][2] or 0) + 1 }
    end
  end
  return counts
end

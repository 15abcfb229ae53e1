-- Jobs that hold a unique key, as u:<state>:<key> lists them, and lists of them in the order of their creation.
local call, int, p, set_score, write_pending = require('common')
local jobs = require('jobs')
local holders = {}
do
  holders.unfinished, holders.finished = { 1, 2, 4, 8, 32 }, { 16, 64, 128 }

  -- The sets of the holders of the key in the states that count.
  function holders.keys(unique)
    local keys = {}
    for _, states in ipairs({ holders.unfinished, holders.finished }) do
      for _, state in ipairs(states) do
        if bit.band(state, unique.states) ~= 0 then
          local key = p .. 'u:' .. state .. ':' .. unique.key
          write_pending(key)
          keys[#keys + 1] = key
        end
      end
    end
    return keys
  end

  -- Holders of the key in the store, created after a moment, the oldest first; all of them with a limit of -1.
  function holders.stored(key, state, after, limit)
    local found, set = {}, p .. 'u:' .. state .. ':' .. key
    write_pending(set)
    local from = after and '(' .. int(after) or '-inf'
    for _, ref in ipairs(call('ZRANGEBYSCORE', set, from, '+inf', 'LIMIT', 0, limit)) do
      local job = jobs.read(jobs.id(ref))
      if job then
        found[#found + 1] = { id = job.id, state = state, createdAt = job.createdAt, number = job.number,
          queue = job.queue }
      else
        set_score(set, ref, false)
      end
    end
    return found
  end

  function holders.older(a, b)
    return a.createdAt < b.createdAt or (a.createdAt == b.createdAt and a.number < b.number)
  end

  -- From the end: what comes is mostly the youngest.
  function holders.put_in(list, one)
    local at = #list + 1
    while at > 1 and holders.older(one, list[at - 1]) do
      list[at] = list[at - 1]
      at = at - 1
    end
    list[at] = one
  end

  -- Returns the index of the first holder that was created after a moment.
  function holders.first_after(list, after)
    local low, high = 1, after and #list + 1 or 1
    while low < high do
      local middle = math.floor((low + high) / 2)
      if list[middle].createdAt > after then high = middle else low = middle + 1 end
    end
    return low
  end
end

return holders

-- Queues: a row each in the hash `queues`, with counts of jobs by state (s1 … s128), of dead letters and of limit
-- groups (`limitGroups`); the operator's settings in `configs`. A script reads and writes a row once.
local at_end, call, in_pieces, p, pack, unpacked = require('common')
local queues = {}
do
  local rows, changed = {}, {}
  local names = { [1] = 's1', [2] = 's2', [4] = 's4', [8] = 's8', [16] = 's16', [32] = 's32', [64] = 's64',
    [128] = 's128' }

  function queues.find(name)
    local row = rows[name]
    if row == nil then
      local text = call('HGET', p .. 'queues', name)
      row = text and unpacked(text) or false
      rows[name] = row
    end
    return row or nil
  end

  function queues.make(name, now)
    local row = queues.find(name)
    if row then return row end
    row = { createdAt = now, version = 0, dead = 0, limitGroups = 0 }
    rows[name], changed[name] = row, true
    return row
  end

  function queues.touched(name) changed[name] = true end

  function queues.count(name, state)
    local row = queues.find(name)
    return row and row[names[state]] or 0
  end

  function queues.add(name, state, by, now)
    local row = queues.make(name, now)
    local key = names[state]
    row[key] = (row[key] or 0) + by
    changed[name] = true
  end

  function queues.add_dead(name, by)
    rows[name].dead = rows[name].dead + by
    changed[name] = true
  end

  -- True for a queue that has a limit of its own.
  local limited = {}
  function queues.is_limited(name)
    if limited[name] == nil then limited[name] = call('HEXISTS', p .. 'limits', 'queue:' .. name) == 1 end
    return limited[name]
  end

  -- Jobs that count for the capacity: in the states of core's `Queued`.
  function queues.depth(row) return (row.s1 or 0) + (row.s2 or 0) + (row.s32 or 0) end

  function queues.is_empty(row)
    for _, name in pairs(names) do
      if (row[name] or 0) > 0 then return false end
    end
    return true
  end

  function queues.forget(name)
    rows[name], changed[name] = false, nil
    call('HDEL', p .. 'queues', name)
    call('HDEL', p .. 'configs', name)
  end

  at_end[#at_end + 1] = function()
    local fields = {}
    for name in pairs(changed) do
      fields[#fields + 1] = name
      fields[#fields + 1] = pack(rows[name])
    end
    if #fields > 0 then in_pieces('HSET', p .. 'queues', fields) end
    changed = {}
  end
end

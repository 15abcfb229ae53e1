-- Jobs that were completed together: the sorted set `ended` has the refs of each such batch as one member, by their
-- end. A completed job that is not there is in `s:16`; the record of a job says which (`batched`). A ref has 52
-- characters. Before the refs is a head of one line: `\1` and, for each queue and type of the jobs,
-- <queue>`\2`<type>`\1`. So a list of one queue or type passes the batches of others without a look at their jobs. With
-- more than fifteen pairs the head is empty, and the batch may have any job.
local call, int, p, store = require('common')
local ended = {}
do
  local key, size = p .. 'ended', 52

  local function head_of(batch) return string.sub(batch, 1, (string.find(batch, '\n', 1, true))) end

  -- Reports whether the batch may have a job in this queue and of this type; nil is any.
  function ended.may_have(batch, queue, type)
    local head = head_of(batch)
    if head == '\n' then return true end
    local wanted = (queue and '\1' .. queue or '') .. '\2' .. (type and type .. '\1' or '')
    return string.find(head, wanted, 1, true) ~= nil
  end

  -- The batches that ended at this time, each as a list of refs behind its text.
  local function batches_at(at)
    return call('ZRANGEBYSCORE', key, int(at), int(at))
  end

  function ended.refs(batch)
    local refs = {}
    for from = #head_of(batch) + 1, #batch, size do refs[#refs + 1] = string.sub(batch, from, from + size - 1) end
    return refs
  end

  local function replace(batch, at, rest)
    call('ZREM', key, batch)
    if rest ~= '' then call('ZADD', key, int(at), head_of(batch) .. rest) end
  end

  -- Takes a job out of its batch.
  function ended.remove(ref, at)
    for _, batch in ipairs(batches_at(at)) do
      local head = #head_of(batch)
      local from = string.find(batch, ref, head + 1, true)
      if from then
        replace(batch, at, string.sub(batch, head + 1, from - 1) .. string.sub(batch, from + size))
        store.set('ended', store.get('ended') - 1)
        return
      end
    end
  end

  -- Jobs in batches, the oldest end first, then by creation. `peek` answers ref and end of the next one, `take` takes
  -- it away, `finish` writes what was taken.
  function ended.walk()
    local walk, batches, taken = {}, {}, {}
    local refs, i, at, after = {}, 1, nil, '-inf'

    function walk.finish()
      for _, batch in ipairs(batches) do
        local rest, gone = {}, 0
        for _, ref in ipairs(ended.refs(batch)) do
          if taken[ref] then gone = gone + 1 else rest[#rest + 1] = ref end
        end
        if gone > 0 then
          replace(batch, at, table.concat(rest))
          store.set('ended', store.get('ended') - gone)
        end
      end
      batches, taken = {}, {}
    end

    function walk.peek()
      if i > #refs then
        walk.finish()
        local found = call('ZRANGEBYSCORE', key, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
        if not found[1] then return nil end
        at, after = tonumber(found[2]), '(' .. found[2]
        batches, refs, i = batches_at(at), {}, 1
        for _, batch in ipairs(batches) do
          for _, ref in ipairs(ended.refs(batch)) do refs[#refs + 1] = ref end
        end
        table.sort(refs)
      end
      return refs[i], at
    end

    function walk.take()
      taken[refs[i]] = true
      i = i + 1
    end

    return walk
  end
end

return ended

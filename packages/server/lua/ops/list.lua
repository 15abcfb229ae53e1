-- A set from its end to its start, in pieces.
local function walk(key, max)
  return { key = p .. key, max = max, offset = 0, at = 1, refs = {} }
end

-- Adds the sets of jobs in one state, or `dead`: one set, or by a fingerprint those of its groups that fit.
local function add_walks(lists, list, max, q)
  if not q.fingerprint then
    lists[#lists + 1] = walk('s:' .. list, max)
    return
  end
  for _, group in ipairs(errors.groups(q.fingerprint)) do
    local _, of, queue, type = errors.parts(group)
    if of == tostring(list) and (not q.queue or queue == q.queue) and (not q.type or type == q.type) then
      lists[#lists + 1] = walk('e:' .. group, max)
    end
  end
end

-- The next time at which batches of completed jobs ended, with all of their jobs.
local function load_batches(list)
  local newest = call('ZREVRANGEBYSCORE', list.key, list.max, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  list.at, list.refs, list.ended = 1, {}, not newest[1]
  if list.ended then return end
  local at, refs = newest[2], {}
  for _, batch in ipairs(call('ZRANGEBYSCORE', list.key, at, at)) do
    for _, ref in ipairs(ended.refs(batch)) do refs[#refs + 1] = ref end
  end
  table.sort(refs, function(a, b) return a > b end)
  for i, ref in ipairs(refs) do list.refs[2 * i - 1], list.refs[2 * i] = ref, at end
  list.max = '(' .. at
end

local function peek(list)
  if list.batches then
    if list.at > #list.refs and not list.ended then load_batches(list) end
  elseif list.at > #list.refs and not list.ended then
    list.refs = call('ZREVRANGEBYSCORE', list.key, list.max, '-inf', 'WITHSCORES', 'LIMIT', list.offset, 100)
    list.offset = list.offset + 100
    list.at, list.ended = 1, #list.refs < 200
  end
  return list.refs[list.at], tonumber(list.refs[list.at + 1])
end

-- The sets of unfinished jobs, and those of finished ones.
local function sets_of(q, after_end, after_number)
  local unfinished, finished = {}, {}
  if not q.deadLetter and not after_end then
    for _, state in ipairs({ 1, 2, 4, 8, 32 }) do
      if bit.band(state, q.states) ~= 0 then add_walks(unfinished, state, after_number and '(' .. int(after_number) or '+inf', q) end
    end
  end
  for _, state in ipairs({ 16, 64, 128 }) do
    if bit.band(state, q.states) ~= 0 then
      local max = after_end and int(after_end) or '+inf'
      if not q.deadLetter then add_walks(finished, state, max, q) end
      if state == 16 and not q.deadLetter and not q.fingerprint then
        finished[#finished + 1] = walk('ended', max)
        finished[#finished].batches = true
      end
      if state == 128 then add_walks(finished, 'dead', max, q) end
    end
  end
  return { unfinished, finished }
end

local function newest(lists)
  local best, best_score, best_ref
  for _, list in ipairs(lists) do
    local ref, score = peek(list)
    if ref and (not best or score > best_score or (score == best_score and ref > best_ref)) then best, best_score, best_ref = list, score, ref end
  end
  return best, best_score, best_ref
end

-- With jobs. { states, deadLetter, queue, type, fingerprint, after, skip, limit, look, maxBytes }; `after` is { finishedAt or false,
-- number }. Looks at up to `look` jobs, and ends with the first whose answer is beyond `maxBytes`. Answers the jobs found, the position of the last one that was looked at (false at the
-- end), the positions of those found, how many are still to be left out.
function reading.list(q)
  local after_end, after_number = q.after and q.after[1], q.after and q.after[2]
  local found, positions, last, looked, skip, bytes = {}, {}, false, 0, q.skip, 0

  local function visit(ref, position)
    last = position
    local id = string.sub(ref, -36)
    if q.queue or q.type then
      local job = jobs.read(id)
      if not job or (q.queue and job.queue ~= q.queue) or (q.type and job.type ~= q.type) then return end
    end
    if skip > 0 then
      skip = skip - 1
      return
    end
    local full = jobs.full(id)
    if full then
      found[#found + 1], positions[#positions + 1] = full, position
      bytes = bytes + jobs.size(jobs.read(id))
    end
  end

  for part, lists in ipairs(sets_of(q, after_end, after_number)) do
    while true do
      local list, score, ref = newest(lists)
      if not list then break end
      if #found >= q.limit or looked >= q.look or bytes > q.maxBytes then return { found, last, positions, skip } end
      list.at = list.at + 2
      local number = tonumber(string.sub(ref, 1, -37))
      -- Jobs that ended in the millisecond of the cursor and are before it do not count as read, or a call could
      -- end where it began.
      if part == 1 or not (after_end and score == after_end and number >= after_number) then
        looked = looked + 1
        visit(ref, { part == 2 and score, number })
      end
    end
  end
  return { found, false, positions, skip }
end

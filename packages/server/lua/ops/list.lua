local call, int, p = require('common')
local segments = require('segments')
local ended = require('ended')
local errors = require('errors')
local jobs = require('jobs')
local limit_groups = require('limit-groups')

-- A set from its end to its start, in pieces; `up` from its start to its end. `bound` is where to begin.
local function walk(key, bound, up)
  return { key = p .. key, bound = bound or (up and '-inf' or '+inf'), up = up, offset = 0, at = 1, refs = {} }
end

local function piece(list, count)
  if list.up then
    return call('ZRANGEBYSCORE', list.key, list.bound, '+inf', 'WITHSCORES', 'LIMIT', list.offset, count)
  end
  return call('ZREVRANGEBYSCORE', list.key, list.bound, '-inf', 'WITHSCORES', 'LIMIT', list.offset, count)
end

-- Adds the sets of jobs in one state, or `dead`: one set, or by a fingerprint those of its groups that fit.
local function add_walks(lists, list, bound, q)
  if not q.fingerprint then
    lists[#lists + 1] = walk('s:' .. list, bound, q.up)
    return
  end
  for _, group in ipairs(errors.groups(q.fingerprint)) do
    local _, of, queue, type = errors.parts(group)
    if of == tostring(list) and (not q.queue or queue == q.queue) and (not q.type or type == q.type) then
      lists[#lists + 1] = walk('e:' .. group, bound, q.up)
    end
  end
end

-- Batches without a job of the list that are passed in one go, about 250 µs, and the jobs that this counts as.
local passed_at_once, counts_as = 50, 100

-- The next time at which batches of completed jobs ended that may have jobs of the list, with these jobs. Behind many
-- others only the time that was reached, with an empty ref.
local function load_batches(list, q)
  list.at, list.refs = 1, {}
  for pass = 1, passed_at_once do
    local next_batch = piece(list, 1)
    list.ended = not next_batch[1]
    if list.ended then return end
    local at, refs = next_batch[2], {}
    for _, batch in ipairs(call('ZRANGEBYSCORE', list.key, at, at)) do
      if not (q.queue or q.type) or ended.may_have(batch, q.queue, q.type) then
        for _, ref in ipairs(ended.refs(batch)) do refs[#refs + 1] = ref end
      end
    end
    table.sort(refs, function(a, b)
      if list.up then return a < b end
      return a > b
    end)
    list.bound = '(' .. at
    if #refs == 0 and pass == passed_at_once then refs[1] = '' end
    for i, ref in ipairs(refs) do list.refs[2 * i - 1], list.refs[2 * i] = ref, at end
    if #refs > 0 then return end
  end
end

-- From the segment of a number on, passes those without a job of the list. Only for a set that goes by numbers.
local function pass_segments(list, number, q)
  local segment = segments.of(number)
  if segments.may_have(segment, q.queue, q.type) then return end
  repeat segment = segment + (list.up and 1 or -1) until segments.may_have(segment, q.queue, q.type)
  list.bound = '(' .. int(list.up and segments.start(segment) - 1 or segments.start(segment + 1))
  list.offset = 0
end

-- Pieces of which no job may be of the list that are passed in one go, about 500 µs. They count as batches do.
local pieces_at_once = 4

-- Up to `count` members of a set, without their scores; continues behind them.
local function next_refs(list, count)
  local command, first, last = 'ZREVRANGEBYSCORE', list.bound, '-inf'
  if list.up then command, last = 'ZRANGEBYSCORE', '+inf' end
  local refs = call(command, list.key, first, last, 'LIMIT', list.offset, count)
  list.ended = #refs < count
  if list.ended then return refs end
  local score = call('ZSCORE', list.key, refs[#refs])
  local before
  if list.up then
    before = call('ZRANK', list.key, refs[#refs]) - call('ZCOUNT', list.key, '-inf', '(' .. score)
  else
    before = call('ZREVRANK', list.key, refs[#refs]) - call('ZCOUNT', list.key, '(' .. score, '+inf')
  end
  list.bound, list.offset = score, before + 1
  return refs
end

-- The next jobs of a set that may be in the queue and of the type. Behind many others only the last job that was
-- reached, as `passed`.
local function load_filtered(list, q)
  list.at, list.refs, list.passed = 1, {}, false
  -- Refs between them are of a segment without such a job: comparing texts costs less than reading numbers.
  local low, high = '', ''
  for pass = 1, pieces_at_once do
    local refs = next_refs(list, pass == 1 and 100 or 600)
    for _, ref in ipairs(refs) do
      if ref < low or ref > high then
        local segment = segments.of(tonumber(string.sub(ref, 1, -37)))
        if segments.may_have(segment, q.queue, q.type) then
          list.refs[#list.refs + 1], list.refs[#list.refs + 2] = ref, call('ZSCORE', list.key, ref)
        else
          low = string.format('%016d', segments.start(segment))
          high = string.format('%016d', segments.start(segment + 1))
        end
      end
    end
    if #list.refs > 0 or list.ended then return end
    local last = refs[#refs]
    if pass == pieces_at_once then list.refs, list.passed = { last, list.bound }, true end
    if list.by_number then pass_segments(list, tonumber(string.sub(last, 1, -37)), q) end
  end
end

local function peek(list, q)
  if list.batches then
    if list.at > #list.refs and not list.ended then load_batches(list, q) end
  elseif list.at > #list.refs and not list.ended then
    if q.queue or q.type then
      load_filtered(list, q)
    else
      list.refs = piece(list, 100)
      list.offset = list.offset + 100
      list.at, list.ended = 1, #list.refs < 200
    end
  end
  return list.refs[list.at], tonumber(list.refs[list.at + 1])
end

local function best(lists, q)
  local up = lists.up
  local found, found_score, found_ref
  for _, list in ipairs(lists) do
    local ref, score = peek(list, q)
    if ref then
      local is_better = not found
      if found and up then is_better = score < found_score or (score == found_score and ref < found_ref) end
      if found and not up then is_better = score > found_score or (score == found_score and ref > found_ref) end
      if is_better then found, found_score, found_ref = list, score, ref end
    end
  end
  return found, found_score, found_ref
end

-- The parts of a list by creation: the sets of unfinished jobs, and those of finished ones, by their end. Each has in
-- `after` the score behind whose jobs of the same score it begins.
local function by_creation(q)
  local up = q.up
  local at, number = nil, nil
  if q.after then at, number = q.after[1], q.after[2] end
  local unfinished, finished = { up = up, timed = false }, { up = up, timed = true }
  if not q.deadLetter and (up or not at) then
    local bound = number and not at and '(' .. int(number)
    for _, state in ipairs({ 1, 2, 4, 8, 32 }) do
      if bit.band(state, q.states) ~= 0 then add_walks(unfinished, state, bound, q) end
    end
    for _, list in ipairs(unfinished) do list.by_number = true end
  end
  if not up or at or not q.after then
    local bound = at and int(at)
    if at then finished.after = at end
    for _, state in ipairs({ 16, 64, 128 }) do
      if bit.band(state, q.states) ~= 0 then
        if not q.deadLetter then add_walks(finished, state, bound, q) end
        if state == 16 and not q.deadLetter and not q.fingerprint then
          finished[#finished + 1] = walk('ended', bound, up)
          finished[#finished].batches = true
        end
        if state == 128 then add_walks(finished, 'dead', bound, q) end
      end
    end
  end
  if up then return { finished, unfinished } end
  return { unfinished, finished }
end

local function by_start(q)
  return { { walk('due', q.after and int(q.after[1]), q.up), up = q.up, timed = true, after = q.after and q.after[1],
    states = q.states } }
end

-- The ready queues of a queue. No more of them than jobs are looked at, and so only those with the best heads.
local function by_priority(q)
  local bound = q.after and '(' .. int(q.after[1])
  local all = { walk('ready:' .. q.queue, bound, q.up) }
  for _, group in ipairs(call('HKEYS', p .. 'limit_groups:' .. q.queue)) do
    all[#all + 1] = walk(string.sub(limit_groups.ready_key(q.queue, group), #p + 1), bound, q.up)
  end
  local part = { up = q.up, timed = true }
  for _, list in ipairs(all) do
    list.head = tonumber(piece(list, 1)[2])
    if list.head then part[#part + 1] = list end
  end
  table.sort(part, function(a, b)
    if q.up then return a.head < b.head end
    return a.head > b.head
  end)
  for i = q.look + 1, #part do part[i] = nil end
  return { part }
end

local orders = { created = by_creation, due = by_start, priority = by_priority }

-- { states, deadLetter, queue, type, fingerprint, order, up, after, skip, limit, look, maxBytes }; `after`
-- is a position: { finishedAt or false, number } in the order `created`, else { score, number }. Looks at up to `look`
-- jobs, and ends with the first whose answer is beyond `maxBytes`. Answers the jobs found, the position of the last one
-- that was looked at (false at the end), the positions of those found, how many are still to be left out.
function reading.list(q)
  local found, positions, last, looked, skip, bytes = {}, {}, false, 0, q.skip, 0

  local function visit(ref, position, states)
    last = position
    local id = string.sub(ref, -36)
    if q.queue or q.type or states then
      local job = jobs.read(id)
      if not job or (q.queue and job.queue ~= q.queue) or (q.type and job.type ~= q.type) then return end
      if states and bit.band(job.state, states) == 0 then return end
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

  for _, part in ipairs(orders[q.order](q)) do
    while true do
      local list, score, ref = best(part, q)
      if not list then break end
      if #found >= q.limit or looked >= q.look or bytes > q.maxBytes then return { found, last, positions, skip } end
      list.at = list.at + 2
      local is_passed = ref == ''
      -- At the time that was reached, other sets may have more.
      local number = is_passed and (q.up and 0 or 2 ^ 53) or tonumber(string.sub(ref, 1, -37))
      -- Jobs with the score of the cursor that are before it do not count as read, or a call could end where it began.
      local is_before = part.after and score == part.after
      if is_before and q.up then
        is_before = number <= q.after[2]
      elseif is_before then
        is_before = number >= q.after[2]
      end
      if is_passed then
        looked, last = looked + counts_as, { score, number }
      elseif list.passed and not is_before then
        looked, last = looked + counts_as, { part.timed and score, number }
      elseif not is_before then
        looked = looked + 1
        visit(ref, { part.timed and score, number }, part.states)
      end
    end
  end
  return { found, false, positions, skip }
end

-- Workflows and their nodes; lib/workflows.lua says how they are stored.
local call, cells, finish, in_pieces, int, log_event, p, unpacked = require('common')
local insert_plain = require('plain-insert')
local admission = require('admission')
local workflows = require('workflows')

-- ARGV: now, id, the id, the name and the kind as JSON, spec, total, how many nodes are members,
-- highest index, those that are ready, number of lists of nodes, these lists, events. Packed: a list of fields and
-- values; the ready ones as runs of first and last index, and how much more than the index their scores are. Answers
-- kind, record, indexes of nodes that are ready; of a new workflow no indexes: the caller knows them.
function adding.workflow_create()
  local now, id = ARGV[1], ARGV[2]
  local flow = p .. 'f:' .. id
  local known = call('HMGET', flow, 'n', 'k', 'sp', 't', 's')
  if known[1] then
    local same = known[1] == ARGV[4] and known[2] == ARGV[5] and known[3] == ARGV[6] and known[4] == ARGV[7]
    local ready = same and known[5] == 'running' and call('ZRANGE', p .. 'nr:' .. id, 0, -1) or {}
    return { same and 'already' or 'duplicate', workflows.record(id), ready }
  end
  local runs, lists, ready = unpacked(ARGV[10]), tonumber(ARGV[11]), {}
  for i = 1, #runs, 3 do
    for index = runs[i], runs[i + 1] do
      ready[#ready + 1] = index + runs[i + 2]
      ready[#ready + 1] = index
    end
  end
  local number = int(call('INCR', p .. 'flows:number'))
  call('HSET', flow, 'no', number, 'i', ARGV[3], 'n', ARGV[4], 'k', ARGV[5], 'sp', ARGV[6], 't', ARGV[7], 'w', ARGV[8],
    'm', ARGV[9],
    's', 'running', 'c', 0, 'f', 0, 'x', 0, 'at', now)
  call('ZADD', p .. 'flows:running', number, id)
  for i = 12, 11 + lists do in_pieces('HSET', p .. 'n:' .. id, unpacked(ARGV[i])) end
  in_pieces('ZADD', p .. 'nr:' .. id, ready)
  if #ready > 0 then call('ZADD', p .. 'flows:ready', number, id) end
  for i = 12 + lists, #ARGV do log_event(ARGV[i]) end
  finish(now)
  return { 'created', workflows.record(id), {} }
end

-- ARGV: ids. Answers the record of each, or null.
function reading.workflow_get()
  local out = {}
  for i, id in ipairs(ARGV) do
    local record = workflows.record(id)
    out[i] = record[1] and record
  end
  return out
end

-- ARGV: number before which to begin ('' for the newest), how many to leave out, limit, states. Newest
-- first. Answers how many there are in all, whether more follow, the number of the last one left out or listed ('' for
-- none), then number, id, record of each.
function reading.workflow_list()
  local skip, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
  local from = ARGV[1] == '' and '+inf' or '(' .. ARGV[1]
  local total, found = 0, {}
  for i = 4, #ARGV do
    local key = p .. 'flows:' .. ARGV[i]
    total = total + call('ZCARD', key)
    local ids = call('ZRANGE', key, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, skip + limit + 1, 'WITHSCORES')
    for at = 1, #ids, 2 do found[#found + 1] = { id = ids[at], number = tonumber(ids[at + 1]) } end
  end
  table.sort(found, function(a, b) return a.number > b.number end)
  local last = found[math.min(#found, skip + limit)]
  local out = { total, found[skip + limit + 1] and 1 or 0, last and int(last.number) or '' }
  for i = skip + 1, math.min(#found, skip + limit) do
    out[#out + 1] = int(found[i].number)
    out[#out + 1] = found[i].id
    out[#out + 1] = workflows.record(found[i].id)
  end
  return out
end

-- ARGV: id, index after which to begin, limit. Answers the nodes that are there, in order.
function reading.workflow_nodes()
  local out, seen, flows, indexes = {}, {}, {}, {}
  local last = tonumber(call('HGET', p .. 'f:' .. ARGV[1], 'm') or -1)
  local first, limit = math.max(0, tonumber(ARGV[2]) + 1), tonumber(ARGV[3])
  for index = first, math.min(last, first + limit - 1) do
    flows[#flows + 1], indexes[#indexes + 1] = ARGV[1], int(index)
  end
  workflows.fetch_ready(flows, indexes)
  for index = first, last do
    if #out >= limit then break end
    local node = workflows.node(ARGV[1], int(index), seen)
    if node then out[#out + 1] = node end
  end
  return out
end

-- ARGV: workflow and index of each. Answers a node or null of each.
function reading.workflow_node()
  local out, seen, flows, indexes = {}, {}, {}, {}
  for i = 1, #ARGV, 2 do flows[#flows + 1], indexes[#indexes + 1] = ARGV[i], ARGV[i + 1] end
  workflows.fetch_ready(flows, indexes)
  for i, id in ipairs(flows) do out[i] = workflows.node(id, indexes[i], seen) end
  return out
end

-- The place of the first step from `at` on that is not just the start of a ready node, or that names a node again.
local function end_of_starts(flows, indexes, steps, at)
  local seen = {}
  while steps[at] and steps[at][1] and workflows.ready(flows[at], indexes[at]) do
    local of = seen[flows[at]]
    if not of then
      of = {}
      seen[flows[at]] = of
    end
    if of[indexes[at]] then break end
    of[indexes[at]] = true
    at = at + 1
  end
  return at
end

-- Starts a ready node by its job. Only a callback, which has events, gets another job after a retry.
local function start(id, index, job, about, now)
  if not workflows.ready(id, index) or about[1] and workflows.job(id, index) ~= job[1] then
    return { false, false, {} }
  end
  local inserted = admission.insert_always(admission.item(job), now)
  if inserted.kind ~= 'inserted' then return { false, inserted, {} } end
  workflows.start(id, index)
  for _, entry in ipairs(about) do log_event(entry) end
  return { true, inserted, {} }
end

-- Closes a ready node without a job.
local function shut(id, index, step, now)
  if not workflows.ready(id, index) or step.failed and step.failed ~= workflows.failed(id, index) then
    return { false, false, {} }
  end
  local ready = workflows.shut(id, index, step, now)
  for _, entry in ipairs(step.events) do log_event(entry) end
  return { true, false, ready }
end

-- { now, flows, indexes, steps }: workflow and index, a text, of each step. A step that starts a ready
-- node is its job, with events { job, events } by name. A step that closes a node without a job has names: `events`,
-- the letter of its state, passes, result, error, and if the workflow ends with it its state `ends` and `text`; and
-- `failed`, how many of its dependencies did not pass: with another number nothing is done. Answers of each: done,
-- inserted, ready; true for a node that was started and replaced no job.
function adding.workflow_advance(request)
  local now, flows, indexes, steps = request.now, request.flows, request.indexes, request.steps
  local out, ids = {}, {}
  for _, step in ipairs(steps) do
    local job = step[1] and step or step.job
    if job then ids[#ids + 1] = job[1] end
  end
  workflows.fetch_ready(flows, indexes)
  cells.fetch('jobs', ids, 1, #ids)
  local at, last, stop = 1, #steps, 1
  while at <= last do
    local first = at
    -- A job of a run that is not plain leaves the run as it is: each step is looked at once.
    if at >= stop then stop = end_of_starts(flows, indexes, steps, at) end
    at = insert_plain(steps, at, stop - 1, now, out, true)
    for i = first, at - 1 do
      workflows.start(flows[i], indexes[i])
      out[i] = true
    end
    local step = steps[at]
    if step and step.letter then
      out[at] = shut(flows[at], indexes[at], step, now)
    elseif step then
      out[at] = start(flows[at], indexes[at], step.job or step, step.events or {}, now)
    end
    at = at + 1
  end
  finish(now)
  return out
end

-- ARGV: now, id, events. Answers whether the workflow was running.
function changing.workflow_cancel()
  if not workflows.cancel(ARGV[2], ARGV[1]) then return 0 end
  for i = 3, #ARGV do log_event(ARGV[i]) end
  finish(ARGV[1])
  return 1
end

-- ARGV: id.
function changing.workflow_swept()
  workflows.swept(ARGV[1])
  return 1
end

-- ARGV: limit. Answers two lists: workflow and index of each node that is ready, by creation and index;
-- ids of cancelled workflows whose jobs are still to be cancelled.
function reading.workflow_unfinished()
  local limit = tonumber(ARGV[1])
  local ready, left = {}, limit
  for _, id in ipairs(call('ZRANGE', p .. 'flows:ready', 0, limit - 1)) do
    if left <= 0 then break end
    for _, index in ipairs(call('ZRANGE', p .. 'nr:' .. id, 0, left - 1)) do
      ready[#ready + 1] = id
      ready[#ready + 1] = index
      left = left - 1
    end
  end
  return { ready, call('ZRANGE', p .. 'flows:sweeping', 0, limit - 1) }
end

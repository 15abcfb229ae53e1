-- Jobs by their ids. `list` and `claim` have files of their own.
local call, cells, finish, p = require('common')
local insert_plain = require('plain-insert')
local complete_plain = require('plain-complete')

-- { now, groups, options }: a group is a list of new jobs, or a single plain job.
-- Answers a list of lists, see lib/admission.lua.
function adding.insert(request)
  local out, ids, keys = {}, {}, {}
  local function note(packed)
    ids[#ids + 1] = packed[1]
    for _, limit in ipairs(packed[4] or {}) do keys[limit.key] = true end
  end
  for _, group in ipairs(request.groups) do
    if type(group[1]) == 'string' then
      note(group)
    else
      for _, packed in ipairs(group) do note(packed) end
    end
  end
  cells.fetch('jobs', ids, 1, #ids)
  local named = {}
  for key in pairs(keys) do named[#named + 1] = key end
  if #named > 1 then cells.fetch('limits', named, 1, #named) end
  local i, last = 1, #request.groups
  while i <= last do
    i = insert_plain(request.groups, i, last, request.now, out)
    if i <= last then
      local admission = require('admission')
      out[i] = admission.insert(admission.items(request.groups[i]), request.now, request.options)
      i = i + 1
    end
  end
  finish(request.now)
  return out
end

-- { now, transitions }: of each what core decides, or { id, claim, worker, result }
-- of a completion. Answers a list, see transitions.apply.
function changing.transition(request)
  local out, ids = {}, {}
  for i, one in ipairs(request.transitions) do ids[i] = one.id or one[1] end
  cells.fetch('jobs', ids, 1, #ids)
  cells.fetch('states', ids, 1, #ids)
  local i, last = 1, #request.transitions
  while i <= last do
    i = complete_plain(request.transitions, i, request.now, out)
    local one = request.transitions[i]
    if one then
      local transitions = require('transitions')
      out[i] = transitions.apply(one.id and one or transitions.completed(one), request.now)
    end
    i = i + 1
  end
  finish(request.now)
  return out
end

-- A list of ids; answers a list of jobs, false where there is none.
function reading.get(ids)
  local jobs = require('jobs')
  local out = {}
  jobs.fetch(ids, 1, #ids)
  for i, id in ipairs(ids) do out[i] = jobs.full(id) or false end
  return out
end

-- { now, ids, from, deadLetter }; answers whether each was there.
function changing.remove(request)
  local jobs, transitions = require('jobs'), require('transitions')
  local out = {}
  for i, id in ipairs(request.ids) do
    local job = jobs.read(id)
    local there = job ~= nil and bit.band(job.state, request.from) ~= 0
      and (not request.deadLetter or job.deadLetter == true)
    if there then
      local result = job.node and jobs.text(job, 'result')
      jobs.drop(job, request.now)
      transitions.close_node(job, result, request.now)
    end
    out[i] = there
  end
  finish(request.now)
  return out
end

-- { names, limit }; answers the unfinished runs of each cron, oldest first.
function reading.runs(request)
  local out, jobs = {}, require('jobs')
  for i, name in ipairs(request.names) do
    out[i] = {}
    for _, ref in ipairs(call('ZRANGE', p .. 'cron:' .. name, 0, request.limit - 1)) do
      out[i][#out[i] + 1] = jobs.full(jobs.id(ref))
    end
  end
  return out
end

-- { kind, names }; answers of each whether the namespace has a job, workflow or limit of that name.
function reading.exists(request)
  local fields = { job = 'jobs', limit = 'limits' }
  local found = {}
  for i, name in ipairs(request.names) do
    if fields[request.kind] then
      found[i] = call('HEXISTS', p .. fields[request.kind], name) == 1
    else
      found[i] = call('EXISTS', p .. 'f:' .. name) == 1
    end
  end
  return found
end

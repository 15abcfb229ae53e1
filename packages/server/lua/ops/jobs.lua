-- Jobs by their ids. `list` and `claim` have files of their own.

-- With admission. { now, groups, options }; answers a list of lists, see lib/admission.lua.
function adding.insert(request)
  local out = {}
  for i, group in ipairs(request.groups) do out[i] = admission.insert(group, request.now, request.options) end
  finish(request.now)
  return out
end

-- With transitions. { now, transitions }; answers a list, see transitions.apply.
function changing.transition(request)
  local out = {}
  for i, transition in ipairs(request.transitions) do out[i] = transitions.apply(transition, request.now) end
  finish(request.now)
  return out
end

-- With jobs. A list of ids; answers a list of jobs, false where there is none.
function reading.get(ids)
  local out = {}
  for i, id in ipairs(ids) do out[i] = jobs.full(id) or false end
  return out
end

-- With transitions. { now, ids, from, deadLetter }; answers whether each was there.
function changing.remove(request)
  local out = {}
  for i, id in ipairs(request.ids) do
    local job = jobs.read(id)
    local there = job ~= nil and bit.band(job.state, request.from) ~= 0 and (not request.deadLetter or job.deadLetter == true)
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

-- With common. { kind, names }; answers of each whether the namespace has a job, workflow, cron or limit of that name.
function reading.exists(request)
  local prefixes = { job = 'j:', workflow = 'f:', cron = 'c:' }
  local found = {}
  for i, name in ipairs(request.names) do
    if request.kind == 'limit' then
      found[i] = call('HEXISTS', p .. 'limits', name) == 1
    else
      found[i] = call('EXISTS', p .. prefixes[request.kind] .. name) == 1
    end
  end
  return found
end

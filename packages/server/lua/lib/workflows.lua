-- Workflows and their nodes. f:<id> is the workflow, n:<id> all its nodes, so that one of thousands is made and removed
-- as two keys. The fields of node i: <i> what never changes (member|job|next,next|name as JSON) and once it is closed,
-- behind a line feed, c, f or x, the time of its end, and its result behind another bar; s<i> its spec, o<i> how many
-- dependencies are open (absent: 0), f<i> how many did not pass, e<i> its error. The set nr:<id> has the indexes of the
-- nodes that are ready, with the index as score, and half more if the node is no member. A node that is neither closed
-- nor ready, and has no open dependency, is pending: no workflow completes or fails before all of its nodes are closed.
-- Nothing is written of nodes that waited when their workflow was cancelled: they read as cancelled.
local at_end, call, cells, int, p, set_score, write_pending = require('common')
local log = require('event-log')
local scores = require('plain')
local workflows = {}
do
  -- Reads the constant part of a node: whether it is a member, its job, its dependents, its name.
  local function static(text)
    local member, job, after, name = string.match(text, '^(%d)|([^|]*)|([^|]*)|([^\n]*)')
    return member == '1', job, after, name
  end

  -- Text has no line feed before the end: a name is a JSON string.
  local function is_closed(text) return string.find(text, '\n', 1, true) ~= nil end

  local function close_text(text, letter, now, result)
    return text .. '\n' .. letter .. int(now) .. (result and '|' .. result or '')
  end

  -- A script reads a workflow once, and writes its changes once; the same for the list of its ready nodes, and, by
  -- `cells`, for the nodes. `ready` has scores in these lists, false for nodes that are not there.
  local flows, changed, unready, ready = {}, {}, {}, {}
  local none = {}
  local names = { 's', 'i', 'n', 'k', 't', 'c', 'f', 'x', 'w', 'no' }

  local function flow_of(id)
    local flow = flows[id]
    if flow == nil then
      local v = call('HMGET', p .. 'f:' .. id, unpack(names))
      flow = false
      if v[1] then
        flow = {}
        for at, name in ipairs(names) do flow[name] = v[at] end
      end
      flows[id] = flow
    end
    return flow
  end

  local function set(id, name, value)
    flows[id][name] = value
    if not changed[id] then changed[id] = {} end
    changed[id][name] = true
  end

  local function count(id, name, by) set(id, name, flow_of(id)[name] + by) end

  at_end[#at_end + 1] = function()
    for id, names_of in pairs(changed) do
      local fields = {}
      for name in pairs(names_of) do
        local value = flows[id][name]
        fields[#fields + 1] = name
        fields[#fields + 1] = type(value) == 'number' and int(value) or value
      end
      call('HSET', p .. 'f:' .. id, unpack(fields))
    end
    for id, list in pairs(unready) do
      write_pending(list)
      if call('EXISTS', list) == 0 then call('ZREM', p .. 'flows:ready', id) end
    end
    changed, unready = {}, {}
  end

  -- A member in a list is 16 digits of the workflow's number and its id, so that equal scores go by creation.
  local function member(number, id) return string.format('%016d', number) .. id end

  -- The list of ready nodes of a workflow, as far as the script has read it.
  local function ready_of(id)
    local scores = ready[id]
    if not scores then
      scores = {}
      ready[id] = scores
    end
    return scores
  end

  -- The score of a node in that list, a text; false where it is not there.
  local function score_of(id, index)
    local scores = ready_of(id)
    if scores[index] == nil then scores[index] = call('ZSCORE', p .. 'nr:' .. id, index) end
    return scores[index]
  end

  local function set_ready(id, index, counts)
    local score = counts and index or index .. '.5'
    ready_of(id)[index] = score
    set_score(p .. 'nr:' .. id, index, score)
    call('ZADD', p .. 'flows:ready', flow_of(id).no, id)
  end

  local function add(nodes, field, by)
    local value = (cells.get(nodes, field) or 0) + by
    cells.set(nodes, field, value)
    return value
  end

  -- The indexes in the list of a node's dependents: most nodes of a group have the same one.
  local lists = {}
  local function indexes_of(after)
    local indexes = lists[after]
    if not indexes then
      indexes = {}
      for index in string.gmatch(after, '%d+') do indexes[#indexes + 1] = index end
      lists[after] = indexes
    end
    return indexes
  end

  -- Ports core's `lowered` and `isReady`: a node is closed, so each of its dependents waits for one less. Answers the
  -- indexes of those that are ready by it.
  local function lower(id, after, passes)
    local nodes, made = 'n:' .. id, {}
    for _, index in ipairs(indexes_of(after)) do
      if not passes then add(nodes, 'f' .. index, 1) end
      local text = add(nodes, 'o' .. index, -1) == 0 and cells.get(nodes, index)
      if text and not is_closed(text) then
        set_ready(id, index, (static(text)))
        made[#made + 1] = index
      end
    end
    return made
  end

  -- A workflow in an answer.
  function workflows.record(id)
    return call('HMGET', p .. 'f:' .. id, 'n', 'k', 'sp', 't', 's', 'c', 'f', 'x', 'at', 'fin', 'end', 'sw')
  end

  -- A node in an answer, with the state and the end of its workflow; false where there is none. `seen` keeps these from
  -- node to node.
  function workflows.node(id, i, seen)
    local v = call('HMGET', p .. 'n:' .. id, i, 's' .. i, 'o' .. i, 'f' .. i, 'e' .. i)
    if not v[1] then return false end
    local flow = seen[id] or call('HMGET', p .. 'f:' .. id, 's', 'fin')
    seen[id] = flow
    local is_ready = not is_closed(v[1]) and (v[3] or '0') == '0' and score_of(id, i) and 1 or 0
    return { i, v[1], v[2], v[3], v[4], v[5], is_ready, flow[1], flow[2] }
  end

  -- Ports core's `closedAs`.
  function workflows.closed_as(state) return state == 16 and 'c' or state == 64 and 'x' or 'f' end

  local function by_workflow(flows_of, indexes)
    local of = {}
    for i, id in ipairs(flows_of) do
      local list = of[id]
      if not list then
        list = {}
        of[id] = list
      end
      list[#list + 1] = indexes[i]
    end
    return pairs(of)
  end

  local function fetch_ready(id, list)
    local scores = ready_of(id)
    for from = 1, #list, 1000 do
      local to = math.min(from + 999, #list)
      local found = call('ZMSCORE', p .. 'nr:' .. id, unpack(list, from, to))
      for i = from, to do
        -- The script's own writes take precedence.
        if scores[list[i]] == nil then scores[list[i]] = found[i - from + 1] end
      end
    end
  end

  -- Reports whether all members have been started: then `waits` need not be asked for one of them.
  local function is_started(flow) return tonumber(flow.w) == 0 end

  -- Reads ahead the nodes of jobs that end: a few commands a workflow. Indexes are texts.
  function workflows.fetch(flows_of, indexes)
    for id, list in by_workflow(flows_of, indexes) do
      local flow, fields = flow_of(id), list
      if flow and not is_started(flow) then
        fetch_ready(id, list)
        fields = {}
        for i, index in ipairs(list) do fields[2 * i - 1], fields[2 * i] = index, 'o' .. index end
      end
      cells.fetch('n:' .. id, fields, 1, #fields)
    end
  end

  -- Reads ahead which of the nodes are ready.
  function workflows.fetch_ready(flows_of, indexes)
    for id, list in by_workflow(flows_of, indexes) do fetch_ready(id, list) end
  end

  -- Reports whether a node that is not closed waits for dependencies or for its start.
  local function waits(id, index)
    return score_of(id, index) or tonumber(cells.get('n:' .. id, 'o' .. index) or 0) > 0
  end

  -- The job has ended with the result (absent or false: none), or is gone: so its node closes. Answers the indexes of
  -- the nodes that are ready by it.
  function workflows.close(id, index, job, result, now)
    local flow, nodes = flow_of(id), 'n:' .. id
    local text = flow and cells.get(nodes, index)
    if not text or is_closed(text) then return none end
    local counts, own_job, after, name = static(text)
    if own_job ~= job.id or not (counts and is_started(flow)) and waits(id, index) then return none end
    local letter = workflows.closed_as(job.state)
    cells.set(nodes, index, close_text(text, letter, now, result))
    if counts then count(id, letter, 1) end
    if flow.s ~= 'running' then return none end
    if counts then log.member(flow, name, index, job, letter == 'c', now) end
    return lower(id, after, letter == 'c')
  end

  -- Reports whether a node is ready.
  function workflows.ready(id, index)
    local flow = flow_of(id)
    return flow and flow.s == 'running' and score_of(id, index) ~= false
  end

  -- How many of its dependencies did not pass.
  function workflows.failed(id, index) return tonumber(cells.get('n:' .. id, 'f' .. index) or 0) end

  local function unset_ready(id, index)
    local list = unready[id] or p .. 'nr:' .. id
    ready_of(id)[index] = false
    unready[id] = list
    local gone = scores(list).remove
    gone[#gone + 1] = index
  end

  -- The job of a ready node has been inserted, or the node closes without one.
  function workflows.start(id, index)
    if not string.find(ready_of(id)[index], '.', 1, true) then count(id, 'w', -1) end
    unset_ready(id, index)
  end

  -- The job that a node has.
  function workflows.job(id, index) return (select(2, static(cells.get('n:' .. id, index)))) end

  local function ended(id, state, now)
    local flow = flow_of(id)
    call('ZREM', p .. 'flows:' .. flow.s, id)
    call('ZADD', p .. 'flows:' .. state, flow.no, id)
    call('ZREM', p .. 'flows:ready', id)
    -- Members that this script has added go too. A cancelled workflow keeps its list: it says which
    -- of its nodes without open dependencies were never started.
    write_pending(p .. 'nr:' .. id)
    if state ~= 'cancelled' then call('UNLINK', p .. 'nr:' .. id) end
    set(id, 's', state)
    set(id, 'fin', int(now))
  end

  -- Closes a ready node without a job; `step` is one of `workflow_advance`.
  function workflows.shut(id, index, step, now)
    local nodes = 'n:' .. id
    local text = cells.get(nodes, index)
    local counts, _, after = static(text)
    workflows.start(id, index)
    cells.set(nodes, index, close_text(text, step.letter, now, step.result))
    if step.error then cells.set(nodes, 'e' .. index, step.error) end
    if counts then count(id, step.letter, 1) end
    if not step.ends then return lower(id, after, step.passes) end
    ended(id, step.ends, now)
    if step.text then set(id, 'end', step.text) end
    call('ZADD', p .. 'flows:over', int(now), member(flow_of(id).no, id))
    return none
  end

  local letters = { completed = 'c', failed = 'f', cancelled = 'x' }

  -- Ports core's `fitsReopening`.
  local function fits(id, change)
    local index = int(change.index)
    local text = cells.get('n:' .. id, index)
    if not text then return false end
    local _, job = static(text)
    if change.own and change.own ~= job then return false end
    local letter = string.match(text, '\n(%a)')
    if letter or letters[change.was] then return letter == letters[change.was] end
    return change.was == (waits(id, index) and 'waiting' or 'pending')
  end

  -- Ports core's `reopenedNode`, and what `uncounted` says of it.
  local function reopen_node(id, change)
    local nodes, index, letter = 'n:' .. id, int(change.index), letters[change.was]
    local text = string.match(cells.get(nodes, index), '^[^\n]*')
    local counts, _, after, name = static(text)
    if counts and letter then count(id, letter, -1) end
    if counts and letter and change.to == 'waiting' then count(id, 'w', 1) end
    if not letter and score_of(id, index) then unset_ready(id, index) end
    if change.job then text = (counts and 1 or 0) .. '|' .. change.job .. '|' .. after .. '|' .. name end
    cells.set(nodes, index, text)
    add(nodes, 'o' .. index, change.opened)
    add(nodes, 'f' .. index, -change.fewerFailed)
    if letter then cells.set(nodes, 'e' .. index, false) end
  end

  -- Carries out what a retry does to a workflow; false where the workflow or a node has changed since.
  function workflows.reopen(reopening)
    local id, was = reopening.workflow, reopening.was
    local flow = flow_of(id)
    if not flow or flow.s ~= was then return false end
    for _, change in ipairs(reopening.nodes) do
      if not fits(id, change) then return false end
    end
    for _, change in ipairs(reopening.nodes) do reopen_node(id, change) end
    if was == 'running' then return true end
    call('ZREM', p .. 'flows:' .. was, id)
    call('ZADD', p .. 'flows:running', flow.no, id)
    call('ZREM', p .. 'flows:over', member(flow.no, id))
    call('HDEL', p .. 'f:' .. id, 'fin', 'end')
    set(id, 's', 'running')
    return true
  end

  function workflows.cancel(id, now)
    local flow = flow_of(id)
    if not flow or flow.s ~= 'running' then return false end
    count(id, 'x', flow.w)
    set(id, 'sw', 1)
    ended(id, 'cancelled', now)
    call('ZADD', p .. 'flows:sweeping', flow.no, id)
    return true
  end

  function workflows.swept(id)
    if call('HDEL', p .. 'f:' .. id, 'sw') == 0 then return end
    call('ZREM', p .. 'flows:sweeping', id)
    local v = call('HMGET', p .. 'f:' .. id, 'no', 'fin')
    call('ZADD', p .. 'flows:over', v[2], member(v[1], id))
  end

  -- Removes ended workflows that ended before `before`, or are beyond the newest `keep`; oldest first. One of which a
  -- job may still run is kept.
  function workflows.prune(before, keep, limit)
    local surplus = call('ZCARD', p .. 'flows:over') - keep
    local oldest = call('ZRANGE', p .. 'flows:over', 0, limit - 1, 'WITHSCORES')
    local gone = 0
    for i = 1, #oldest, 2 do
      if (i - 1) / 2 >= surplus and tonumber(oldest[i + 1]) >= before then break end
      local id = string.sub(oldest[i], 17)
      local flow = call('HMGET', p .. 'f:' .. id, 's', 't', 'c', 'f', 'x')
      -- Ports core's `hasOpenSteps`.
      if flow[1] ~= 'cancelled' or flow[3] + flow[4] + flow[5] >= tonumber(flow[2]) then
        if flow[1] then call('ZREM', p .. 'flows:' .. flow[1], id) end
        call('UNLINK', p .. 'f:' .. id, p .. 'n:' .. id, p .. 'nr:' .. id)
        call('ZREM', p .. 'flows:over', oldest[i])
        gone = gone + 1
      end
    end
    return gone
  end
end

return workflows

-- Workflows and their nodes.
-- f:<id> is the workflow, n:<id> all its nodes, so that one of thousands is made and removed as two keys. Of node i:
-- <i> what never changes (member|job|next,next|name as JSON), s<i> its spec, o<i> how many dependencies are open
-- (absent: 0), f<i> how many did not pass, t<i> its state (absent while it waits, p, then c, f or x and the time of its
-- end), r<i> and e<i> its result and error. nr:<id> holds the indexes of the nodes that are ready. Nodes that waited
-- when their workflow was cancelled are not written: they read as cancelled.
workflows = {}
do
  local function static(text)
    local member, job, after, name = string.match(text, '^(%d)|([^|]*)|([^|]*)|(.*)$')
    return { member = member == '1', job = job, after = after, name = name }
  end

  -- A script reads a workflow once, and writes its changes once; the same for the list of its ready nodes, and, by `cells`,
  -- for the nodes.
  local flows, changed, unready = {}, {}, {}
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

  local function count(id, name, by) set(id, name, int(flow_of(id)[name] + by)) end

  at_end[#at_end + 1] = function()
    for id, names_of in pairs(changed) do
      local fields = {}
      for name in pairs(names_of) do
        fields[#fields + 1] = name
        fields[#fields + 1] = flows[id][name]
      end
      call('HSET', p .. 'f:' .. id, unpack(fields))
    end
    for id in pairs(unready) do
      local ready = p .. 'nr:' .. id
      write_pending(ready)
      if call('EXISTS', ready) == 0 then call('ZREM', p .. 'flows:ready', id) end
    end
    changed, unready = {}, {}
  end

  -- A member in a list is 16 digits of the workflow's number and its id, so that equal scores go by creation.
  local function member(number, id) return string.format('%016d', number) .. id end

  local function set_ready(id, index)
    set_score(p .. 'nr:' .. id, index, index)
    call('ZADD', p .. 'flows:ready', flow_of(id).no, id)
  end

  local function add(nodes, field, by)
    local value = (cells.get(nodes, field) or 0) + by
    cells.set(nodes, field, int(value))
    return value
  end

  -- Ports core's `lowered` and `isReady`: a node is closed, so each of its dependents waits for one less. Answers the
  -- indexes of those that are ready by it.
  local function lower(id, after, passes)
    local nodes, ready = 'n:' .. id, {}
    for index in string.gmatch(after, '%d+') do
      if not passes then add(nodes, 'f' .. index, 1) end
      if add(nodes, 'o' .. index, -1) == 0 and not cells.get(nodes, 't' .. index) then
        set_ready(id, index)
        ready[#ready + 1] = index
      end
    end
    return ready
  end

  -- A workflow in an answer.
  function workflows.record(id)
    return call('HMGET', p .. 'f:' .. id, 'n', 'k', 'sp', 't', 's', 'c', 'f', 'x', 'at', 'fin', 'end', 'sw')
  end

  -- A node in an answer, with the state and the end of its workflow; false where there is none. `seen` keeps these from
  -- node to node.
  function workflows.node(id, i, seen)
    local v = call('HMGET', p .. 'n:' .. id, i, 's' .. i, 'o' .. i, 'f' .. i, 't' .. i, 'r' .. i, 'e' .. i)
    if not v[1] then return false end
    local flow = seen[id] or call('HMGET', p .. 'f:' .. id, 's', 'fin')
    seen[id] = flow
    return { i, v[1], v[2], v[3], v[4], v[5], v[6], v[7], flow[1], flow[2] }
  end

  -- Ports core's `closedAs`.
  function workflows.closed_as(state) return state == 16 and 'c' or state == 64 and 'x' or 'f' end

  -- The job { id, type, queue, state, started, result } has ended, or is gone: so its node closes. Answers the indexes
  -- of the nodes that are ready by it.
  function workflows.close(id, index, job, now)
    index = int(index)
    local nodes, state_at = 'n:' .. id, 't' .. index
    cells.fetch(nodes, { index, state_at }, 1, 2)
    if cells.get(nodes, state_at) ~= 'p' then return {} end
    local node = static(cells.get(nodes, index))
    if node.job ~= job.id then return {} end
    local letter = workflows.closed_as(job.state)
    cells.set(nodes, state_at, letter .. int(now))
    if job.result then cells.set(nodes, 'r' .. index, job.result) end
    local flow = flow_of(id)
    if not flow then return {} end
    if node.member then count(id, letter, 1) end
    if flow.s ~= 'running' then return {} end
    if node.member then log.member(flow, node, index, job, letter == 'c', now) end
    return lower(id, node.after, letter == 'c')
  end

  -- What never changes of a node that is ready; false where it is not.
  function workflows.ready(id, index)
    local flow = flow_of(id)
    if not flow or flow.s ~= 'running' then return false end
    local nodes, state_at, open_at = 'n:' .. id, 't' .. index, 'o' .. index
    cells.fetch(nodes, { index, state_at, open_at }, 1, 3)
    local text = cells.get(nodes, index)
    return text and not cells.get(nodes, state_at) and (cells.get(nodes, open_at) or '0') == '0' and static(text)
  end

  -- How many of its dependencies did not pass.
  function workflows.failed(id, index) return tonumber(cells.get('n:' .. id, 'f' .. index) or 0) end

  local function leaves_waiting(id, index, node, to)
    cells.set('n:' .. id, 't' .. index, to)
    if node.member then count(id, 'w', -1) end
    set_score(p .. 'nr:' .. id, index, false)
    unready[id] = true
  end

  -- The job of a ready node has been inserted.
  function workflows.start(id, index, node) leaves_waiting(id, index, node, 'p') end

  local function ended(id, state, now)
    local flow = flow_of(id)
    call('ZREM', p .. 'flows:' .. flow.s, id)
    call('ZADD', p .. 'flows:' .. state, flow.no, id)
    call('ZREM', p .. 'flows:ready', id)
    -- Members that this script has added go too.
    write_pending(p .. 'nr:' .. id)
    call('UNLINK', p .. 'nr:' .. id)
    set(id, 's', state)
    set(id, 'fin', int(now))
  end

  -- Closes a ready node without a job; `step` is one of `workflow_advance`.
  function workflows.shut(id, index, node, step, now)
    local nodes = 'n:' .. id
    leaves_waiting(id, index, node, step.letter .. int(now))
    if step.result then cells.set(nodes, 'r' .. index, step.result) end
    if step.error then cells.set(nodes, 'e' .. index, step.error) end
    if node.member then count(id, step.letter, 1) end
    if not step.ends then return lower(id, node.after, step.passes) end
    ended(id, step.ends, now)
    if step.text then set(id, 'end', step.text) end
    call('ZADD', p .. 'flows:over', int(now), member(flow_of(id).no, id))
    return {}
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

  -- Removes ended workflows that ended before `before`, or are beyond the newest `keep`; oldest first.
  function workflows.prune(before, keep, limit)
    local surplus = call('ZCARD', p .. 'flows:over') - keep
    local oldest = call('ZRANGE', p .. 'flows:over', 0, limit - 1, 'WITHSCORES')
    local gone = 0
    for i = 1, #oldest, 2 do
      if gone >= surplus and tonumber(oldest[i + 1]) >= before then break end
      local id = string.sub(oldest[i], 17)
      local state = call('HGET', p .. 'f:' .. id, 's')
      if state then call('ZREM', p .. 'flows:' .. state, id) end
      call('UNLINK', p .. 'f:' .. id, p .. 'n:' .. id)
      call('ZREM', p .. 'flows:over', oldest[i])
      gone = gone + 1
    end
    return gone
  end
end

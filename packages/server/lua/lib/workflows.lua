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

  -- A script reads a workflow once, and writes its changes once; the same for the list of its ready nodes.
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

  -- Ports core's `lowered` and `isReady`: a node is closed, so each of its dependents waits for one less. Answers the
  -- indexes of those that are ready by it.
  local function lower(id, after, passes)
    local nodes, ready = p .. 'n:' .. id, {}
    for index in string.gmatch(after, '%d+') do
      if not passes then call('HINCRBY', nodes, 'f' .. index, 1) end
      if call('HINCRBY', nodes, 'o' .. index, -1) == 0 and call('HEXISTS', nodes, 't' .. index) == 0 then
        set_ready(id, index)
        ready[#ready + 1] = index
      end
    end
    return ready
  end

  -- Ports core's `nodeEvents`.
  function workflows.event(flow, node, index, job, passed, now)
    local total, completed, other = tonumber(flow.t), tonumber(flow.c), flow.f + flow.x
    local unordered = flow.k == '"group"' or flow.k == '"batch"'
    local place = unordered
        and string.format('"job_index":%s,"completed_count":%d,"failed_count":%d,"total_count":%d', index, completed, other, total)
      or '"step_index":' .. index
    return table.concat({
      '["workflow.', unordered and 'job' or 'step', passed and '_completed",' or '_failed",', flow.i, ',null,"', job.queue, '",null,null,0,null,null,null,',
      '{"workflow_id":', flow.i, ',"workflow_name":', flow.n, ',"workflow_type":', flow.k,
      ',"job_id":"', job.id, '","job_type":"', job.type, '",',
      job.started and '"duration_ms":' .. int(math.max(0, now - job.started)) .. ',' or '',
      '"step_id":', node.name, ',"step_type":"', job.type, '",', place,
      string.format(',"steps_remaining":%d}]', math.max(0, total - completed - other)),
    })
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
  -- of the nodes that are ready by it, and an event for the log where there is one.
  function workflows.close(id, index, job, now)
    index = int(index)
    local nodes = p .. 'n:' .. id
    local v = call('HMGET', nodes, index, 't' .. index)
    if v[2] ~= 'p' then return {} end
    local node = static(v[1])
    if node.job ~= job.id then return {} end
    local letter = workflows.closed_as(job.state)
    local state = letter .. int(now)
    if job.result then call('HSET', nodes, 't' .. index, state, 'r' .. index, job.result) else call('HSET', nodes, 't' .. index, state) end
    local flow = flow_of(id)
    if not flow then return {} end
    if node.member then count(id, letter, 1) end
    if flow.s ~= 'running' then return {} end
    local entry = node.member and logged and workflows.event(flow, node, index, job, letter == 'c', now) or nil
    return lower(id, node.after, letter == 'c'), entry
  end

  -- What never changes of a node that is ready; false where it is not.
  function workflows.ready(id, index)
    local flow = flow_of(id)
    if not flow or flow.s ~= 'running' then return false end
    local v = call('HMGET', p .. 'n:' .. id, index, 't' .. index, 'o' .. index)
    return v[1] and not v[2] and (v[3] or '0') == '0' and static(v[1])
  end

  -- How many of its dependencies did not pass.
  function workflows.failed(id, index) return tonumber(call('HGET', p .. 'n:' .. id, 'f' .. index) or 0) end

  local function leaves_waiting(id, index, node, to)
    call('HSET', p .. 'n:' .. id, 't' .. index, to)
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
    local nodes = p .. 'n:' .. id
    leaves_waiting(id, index, node, step.letter .. int(now))
    if step.result then call('HSET', nodes, 'r' .. index, step.result) end
    if step.error then call('HSET', nodes, 'e' .. index, step.error) end
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

-- Completes plain jobs, by the short path of plain.lua.
local call, cells, int, p, store = require('common')
local log = require('event-log')
local statistics = require('statistics')
local active, active_mask = require('plain')
local count, kind_of, limit_keys, log_run, move_holder, node_of, scores, unlimited = require('plain')
local complete_plain
do
  -- The record of a job that its first execution has completed: as `active`, with the end of the job for the lease.
  local completed, ended_mask, in_batch = '<BBBHI4I4dddHc0', 4 + 8 + 128 + 512, 64

  local function complete_run(run, now, n)
    local of, queue = run.kind, run.queue
    count(queue.row, 's8', -n)
    count(queue.row, 's16', n)
    local sums, took = statistics.of(of.name, of.type), math.max(0, now - run.started)
    count(sums, 'c', n)
    count(sums, 'u', n * took)
    count(sums, statistics.code(statistics.completed_code, took), n)
    if not of.is_node then log_run('job.completed', 8, run.job, run.ids, n) end
  end

  -- Reads the nodes of running jobs from a place on, those of a workflow in one command. Answers the node of each.
  local function nodes_from(outcomes, at, known, states)
    local nodes, flows, indexes, n = {}, {}, {}, 0
    for i = at, #outcomes do
      local id = outcomes[i][1]
      local bytes, record = id and known[id], id and states[id]
      local of = bytes and record and string.byte(record, 2) == 8 and kind_of(bytes)
      if of and of.is_node then
        n = n + 1
        flows[n], indexes[n] = node_of(bytes, of)
        nodes[i] = n
      end
    end
    require('workflows').fetch(flows, indexes)
    return function(i) return flows[nodes[i]], indexes[nodes[i]] end
  end

  -- For a script that ends jobs there is one list of outcomes: its nodes are read once.
  local node_at

  -- Closes the node of a job of a workflow. Its events come right behind that of the job.
  local function close_node(run, id, workflow, index, result, now)
    run.job.id = id
    log.job('job.completed', run.job, 8)
    local ready = require('workflows').close(workflow, index, run.job, result, now)
    return #ready == 0 and 8 or { kind = 'moved', was = 8, workflow = workflow, ready = ready }
  end

  -- Reads a running job from its record and its bytes; nil if it is not plain.
  local function running(record, of, now)
    local _, state, flags, mask, attempt, claim = struct.unpack('<BBBHI4I4', record)
    if state ~= 8 or mask ~= active_mask or flags > 3 then return nil end
    local queue = of.is_short and unlimited(of.name, now)
    if not queue then return nil end
    local _, _, _, _, _, _, enqueued, started, _, _, worker = struct.unpack(active, record)
    local function record_with(more)
      return struct.pack(completed, 192, 16, flags + more, ended_mask, attempt, claim, enqueued, started, now, #worker,
        worker)
    end
    return {
      kind = of, queue = queue, record = record, ids = {}, claim = claim, leased = flags > 1, started = started,
      worker = worker,
      job = { state = 16, attempt = attempt, type = of.type, queue = of.name, trace = of.trace, worker = worker,
        startedAt = started },
      ended = record_with(in_batch), ended_with_result = record_with(in_batch + 4),
    }
  end

  -- The head of a batch of completed jobs, as ended.lua reads it.
  local most_in_head = 16
  local function new_head()
    local head, known, parts = {}, {}, { '\1' }
    function head.add(queue, type)
      local pair = queue .. '\2' .. type .. '\1'
      if not known[pair] then known[pair], parts[#parts + 1] = true, pair end
    end
    function head.text() return #parts <= most_in_head and table.concat(parts) .. '\n' or '\n' end
    return head
  end

  -- Ends first executions: { id, claim, worker, result } of each, what is absent is false. Answers the place of the
  -- first one that is not plain, or does not fit.
  function complete_plain(outcomes, at, now, out)
    local known, states, changed = cells.of('jobs'), cells.of('states'), cells.changed('states')
    local active_refs, overdue = scores(p .. 's:8').remove, scores(p .. 'overdue').remove
    local run, n, finished, f, a, o = nil, 0, {}, 0, #active_refs, #overdue
    local head = new_head()
    while true do
      local one = outcomes[at]
      local id = one and one[1]
      local bytes, record = id and known[id], id and states[id]
      if not bytes or not record then break end
      local of = kind_of(bytes)
      if not run or run.kind ~= of or run.record ~= record then
        local next_run = running(record, of, now)
        if not next_run then break end
        if run and n > 0 then complete_run(run, now, n) end
        run, n = next_run, 0
        head.add(of.name, of.type)
      end
      local claim, worker, result = one[2], one[3], one[4]
      if claim ~= run.claim and (claim or run.leased) then break end
      if worker and worker ~= run.worker then break end
      if of.is_node and not node_at then node_at = nodes_from(outcomes, at, known, states) end
      if result then cells.set('results', id, result) end
      states[id], changed[id] = result and run.ended_with_result or run.ended, true
      local ref = string.sub(bytes, -16) .. id
      if of.keyed then move_holder(bytes, of, ref, 8, 16) end
      if of.limited then
        local limits = require('limits')
        for _, key in ipairs(limit_keys(bytes, of)) do limits.free(key) end
      end
      a, o, f, n = a + 1, o + 1, f + 1, n + 1
      active_refs[a], overdue[o], finished[f], run.ids[n] = ref, ref, ref, id
      if of.is_node then
        local workflow, index = node_at(at)
        out[at] = close_node(run, id, workflow, index, result, now)
      else
        out[at] = 8
      end
      at = at + 1
    end
    if run and n > 0 then complete_run(run, now, n) end
    if f > 0 then
      call('ZADD', p .. 'ended', int(now), head.text() .. table.concat(finished))
      store.set('ended', store.get('ended') + f)
    end
    return at
  end
end

-- Starts plain jobs, by the short path of plain.lua.
local call, cells, p = require('common')
local statistics = require('statistics')
local active, active_mask, count, kind_of, limit_keys, log_run, move_holder, scores, unlimited = require('plain')
local end_run, start_plain
do
  -- The jobs of one kind that were started last, also by several calls: their event, sums and counts are written
  -- together.
  local run

  -- To be called before anything else is logged or the queue is counted.
  function end_run()
    if not run then return end
    local of, queue, claim, now, ids = run.kind, run.queue, run.claim, run.now, run.ids
    local n = #ids
    run = nil
    count(queue.row, 's2', -n)
    count(queue.row, 's8', n)
    local sums, waited = statistics.of(of.name, of.type), math.max(0, now - of.created)
    count(sums, 's', n)
    count(sums, 'w', n * waited)
    count(sums, statistics.code(statistics.wait_code, waited), n)
    log_run('job.started', 2, { state = 8, attempt = 1, type = of.type, queue = of.name, trace = of.trace,
      worker = claim.worker, startedAt = now }, ids, n)
  end

  -- Starts the first executions of jobs at the head of a ready queue, at most `most` and `budget` bytes of them, before
  -- the rank `rival`. The limits of its group have room for as many. Answers how many and their bytes; of each `taken`
  -- gets the job for the caller, `claims` its id and claim.
  function start_plain(ready, claim, now, most, rival, budget, taken, claims)
    if not claim.worker then return 0, 0 end
    local known, states, changed = cells.of('jobs'), cells.of('states'), cells.changed('states')
    local waiting, running = scores(p .. 's:2').remove, scores(p .. 's:8').add
    local overdue = scores(p .. 'overdue').add
    -- The last read began at the head of the set, as long as nothing was taken from it.
    local gone = ready.at > 1 and scores(ready.key).remove or nil
    local refs, at, bytes_taken, all, n = ready.refs, ready.at, 0, 0, run and #run.ids
    -- Lengths of lists: Lua finds one by halving, in each loop again.
    local w, r, o, t, c, g = #waiting, #running, #overdue, #taken, #claims, gone and #gone
    while all < most do
      local ref = refs[at]
      local id = ref and string.sub(ref, 17)
      local bytes = id and known[id]
      if not bytes or states[id] or bytes_taken + #bytes > budget then break end
      if all > 0 and rival and rival < tonumber(refs[at + 1]) then break end
      local of = kind_of(bytes)
      if not run or run.kind ~= of or run.claim ~= claim then
        local queue = of.flags < 2 and of.is_short and unlimited(of.name, now)
        if not queue then break end
        end_run()
        local lease = claim.leaseMs or (of.visibility >= 0 and of.visibility) or claim.defaultLeaseMs
        run = { kind = of, queue = queue, claim = claim, now = now, ids = {},
          overdue = now + math.min(lease, of.timeout) }
        n = 0
        run.record = struct.pack(active, 192, 8, claim.leaseRequired and 2 or 0, active_mask, 1, 1, of.created, now,
          lease, now + lease,
          #claim.worker, claim.worker)
      end
      states[id], changed[id] = run.record, true
      if of.keyed then move_holder(bytes, of, ref, 2, 8) end
      if of.limited then
        local limits = require('limits')
        for _, key in ipairs(limit_keys(bytes, of)) do
          limits.wait(key, of.name, -1)
          limits.occupy(key, now)
          limits.started(key, now)
        end
      end
      w, t, n, all = w + 1, t + 1, n + 1, all + 1
      waiting[w], run.ids[n], taken[t] = ref, id, { id, run.record, bytes, false }
      if gone then
        g = g + 1
        gone[g] = ref
      end
      running[r + 1], running[r + 2] = string.sub(ref, 1, 16), ref
      overdue[o + 1], overdue[o + 2] = run.overdue, ref
      claims[c + 1], claims[c + 2] = id, 1
      r, o, c = r + 2, o + 2, c + 2
      bytes_taken, at = bytes_taken + #bytes, at + 2
    end
    if all > 0 and not gone then call('ZREMRANGEBYRANK', ready.key, 0, all - 1) end
    ready.at = at
    return all, bytes_taken
  end
end

-- New jobs. A group is looked at job by job, each as if those before it were there, with nothing written meanwhile; then it is stored whole or not at all.
-- A new job is { job, envelope, policy, unique, limits } as rows.ts packs it, `policy` false for none; an answer is `true` for a job that was inserted and replaced none.
local admission = {}
do
  local function as_answer(item)
    return { item.job, item.envelope, item.policy, false }
  end

  local function matches(job, unique)
    return bit.band(job.state, unique.states) ~= 0 and (not unique.createdAfter or job.createdAt > unique.createdAfter)
  end

  local function holder(ref, state)
    local job = jobs.read(jobs.id(ref))
    return job and { id = job.id, state = state, createdAt = job.createdAt, number = job.number, queue = job.queue }
  end

  local all_states = { 1, 2, 4, 8, 16, 32, 64, 128 }

  -- The sets of those who have the key in one of the states, and these states.
  local function holder_keys(unique)
    local keys, states = {}, {}
    for _, state in ipairs(all_states) do
      if bit.band(state, unique.states) ~= 0 then
        local key = p .. 'u:' .. state .. ':' .. unique.key
        write_pending(key)
        keys[#keys + 1], states[#states + 1] = key, state
      end
    end
    return keys, states
  end

  -- Unfinished holders of the key in the store, and of each finished state the oldest that counts.
  local function stored_holders(unique)
    local found = {}
    local after = unique.createdAfter and '(' .. int(unique.createdAfter) or '-inf'
    local keys, states = holder_keys(unique)
    for i, key in ipairs(keys) do
      local first = jobs.is_over(states[i]) and 1 or -1
      for _, ref in ipairs(call('ZRANGEBYSCORE', key, after, '+inf', 'LIMIT', 0, first)) do
        local one = holder(ref, states[i])
        if one then found[#found + 1] = one else place(key, ref, false) end
      end
    end
    return found
  end

  local Draft = {}
  Draft.__index = Draft

  -- All that may be in the way under the key, oldest first, as the group will have left it.
  function Draft:holders(unique)
    local found = {}
    -- A stored one that the group cancels may match as a cancelled one.
    local all = stored_holders({ key = unique.key, states = bit.bor(unique.states, self.any_cancelled and 47 or 0), createdAfter = unique.createdAfter })
    for _, one in ipairs(self.by_key[unique.key] or {}) do all[#all + 1] = one end
    for _, one in ipairs(all) do
      one.state_now = self.cancelled[one.id] and 64 or one.state
      if matches({ state = one.state_now, createdAt = one.createdAt }, unique) then found[#found + 1] = one end
    end
    table.sort(found, function(a, b) return a.createdAt < b.createdAt or (a.createdAt == b.createdAt and a.number < b.number) end)
    return found
  end

  -- The holder that refuses the job, or those that it replaces.
  function Draft:unique_answer(unique)
    local found, unfinished = self:holders(unique), {}
    for _, one in ipairs(found) do
      if not jobs.is_over(one.state_now) then unfinished[#unfinished + 1] = one end
    end
    if unique.onConflict == 'keep' then
      local refused_by = unfinished[1] or found[1]
      if refused_by then return refused_by, {} end
    elseif unique.onConflict == 'replace_unscheduled' then
      for _, one in ipairs(unfinished) do
        if one.state_now == 1 then return one, {} end
      end
    end
    return nil, unfinished
  end

  local function is_queued(state) return state == 1 or state == 2 or state == 32 end

  -- Why the queue does not take the job. Nodes of workflows pass, or a workflow would stop half-way.
  function Draft:door_answer(job, replaces)
    if self.options.always or job.node then return nil end
    local row = queues.find(job.queue)
    if not row then return nil end
    if row.paused and self.options.refusePaused then return { kind = 'paused', queue = job.queue } end
    if not row.capacity or not is_queued(job.state) then return nil end
    local depth, more = queues.depth(row), self.more[job.queue] or 0
    for _, one in ipairs(replaces) do
      if one.queue == job.queue and is_queued(one.state_now) then more = more - 1 end
    end
    if depth + more < row.capacity then return nil end
    return { kind = 'full', queue = job.queue, depth = depth, bound = row.capacity }
  end

  function Draft:look(item)
    local job, fresh = item.job, self.fresh[item.job.id]
    local known = fresh and fresh.job or jobs.read(job.id)
    if known then
      local envelope = fresh and fresh.envelope or unpacked(call('HGET', p .. 'j:' .. job.id, 'e'))
      local told = fresh and as_answer(fresh) or jobs.full(job.id)
      if envelope == item.envelope and known.queue == job.queue and known.type == job.type then return { kind = 'already', job = told } end
      return { kind = 'duplicate', by = 'id', existing = told }
    end
    local replaces = {}
    if item.unique then
      local refused_by
      refused_by, replaces = self:unique_answer(item.unique)
      if refused_by then
        return { kind = 'duplicate', by = 'unique', existing = refused_by.fresh and as_answer(refused_by.fresh) or jobs.full(refused_by.id) }
      end
    end
    return self:door_answer(job, replaces) or self:plan(item, replaces)
  end

  function Draft:wait(queue, by) self.more[queue] = (self.more[queue] or 0) + by end

  function Draft:plan(item, replaces)
    local job, ids = item.job, {}
    for i, one in ipairs(replaces) do
      ids[i] = one.id
      self.cancelled[one.id], self.any_cancelled = true, true
      if is_queued(one.state_now) then self:wait(one.queue, -1) end
    end
    if is_queued(job.state) then self:wait(job.queue, 1) end
    self.fresh[job.id] = item
    self.count = self.count + 1
    if job.uniqueKey then
      local same = self.by_key[job.uniqueKey] or {}
      self.by_key[job.uniqueKey] = same
      -- Younger than every stored one.
      same[#same + 1] = { id = job.id, state = job.state, createdAt = job.createdAt, number = 4503599627370496 + self.count, queue = job.queue, fresh = item }
    end
    self.plans[#self.plans + 1] = { item = item, replaced = ids }
    if #ids == 0 then return true end
    return { kind = 'inserted', replaced = ids }
  end

  local function creation_data(job)
    if job.state == 1 then return '{"scheduled_at":"' .. changes.timestamp(job.runAt) .. '"}' end
    return job.priority ~= 0 and '{"priority":' .. job.priority .. '}' or nil
  end

  local function carry_out(plan, now)
    local item = plan.item
    local job = item.job
    for _, id in ipairs(plan.replaced) do
      local replaced = jobs.read(id)
      if replaced then changes.cancel(replaced, now) end
    end
    for _, limit in ipairs(item.limits or {}) do
      local numbers = limit.concurrency or #limit.rates > 0
      if numbers then limits.renumber(limit.key, { concurrency = limit.concurrency, rates = limit.rates }, nil, now) else limits.make(limit.key) end
    end
    job.number = store.next('number')
    call('HSET', p .. 'j:' .. job.id, 'j', pack(job), 'e', pack(item.envelope, item.policy))
    for _, key in ipairs(lanes.keys(lanes.of(job))) do limits.named(key, 1, now) end
    jobs.enter(job, now)
    changes.sum(job, nil, job.state, now)
    if logged and job.state ~= 4 then
      tell(jobs.entry(job.state == 1 and 'job.scheduled' or 'job.enqueued', job, nil, creation_data(job)))
    end
  end

  local function kind_of(answer) return answer == true and 'inserted' or answer.kind end

  -- Answers what becomes of the group; nil where it is inserted wholly.
  local function refusal(answers)
    local kinds = {}
    for _, answer in ipairs(answers) do kinds[kind_of(answer)] = true end
    local first = next(kinds)
    if not first or next(kinds, first) == nil and (first == 'inserted' or first == 'already') then
      return first == 'already' and answers or nil
    end
    local refused = kinds.duplicate or kinds.full or kinds.paused
    local out = {}
    for i, answer in ipairs(answers) do
      local kind = kind_of(answer)
      if kind == 'already' then
        out[i] = refused and { kind = 'aborted' } or { kind = 'duplicate', by = 'id', existing = answer.job }
      else
        out[i] = kind == 'inserted' and { kind = 'aborted' } or answer
      end
    end
    return out
  end

  -- Most groups are one job that nothing is in the way of: neither its id nor its key is there. Such a one needs no draft.
  local function is_plain(item, options)
    local row = queues.find(item.job.queue)
    if row and not options.always and (row.capacity or row.paused) then return false end
    local keys = {}
    if item.unique then keys = holder_keys(item.unique) end
    keys[#keys + 1] = p .. 'j:' .. item.job.id
    return call('EXISTS', unpack(keys)) == 0
  end

  function admission.insert(group, now, options)
    if #group == 1 and is_plain(group[1], options) then
      carry_out({ item = group[1], replaced = {} }, now)
      return { true }
    end
    local draft = setmetatable({ options = options, plans = {}, fresh = {}, by_key = {}, cancelled = {}, more = {}, count = 0 }, Draft)
    local answers = {}
    for i, item in ipairs(group) do answers[i] = draft:look(item) end
    local refused = refusal(answers)
    if refused then return refused end
    for _, plan in ipairs(draft.plans) do carry_out(plan, now) end
    return answers
  end
end

-- A job that neither a bound nor a pause refuses. Answers a table with its kind.
local function insert_always(item, now)
  local answer = admission.insert({ item }, now, { always = true })[1]
  return answer == true and { kind = 'inserted', replaced = {} } or answer
end

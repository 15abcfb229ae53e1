-- New jobs. Ports core's `admit`: the script checks a group job by job, each as if those before it were stored, and
-- writes nothing until the end; then it stores the group whole or not at all. A new job is
-- { job, bytes, envelope, unique, limits }; `envelope` is there where the bytes are without it. An answer is `true` for
-- a job that was inserted and replaced none.
local call, cells, store = require('common')
local log = require('event-log')
local statistics = require('statistics')
local queues = require('queues')
local segments = require('segments')
local history = require('history')
local holders = require('holders')
local jobs = require('jobs')
local limit_groups = require('limit-groups')
local limits = require('limits')
local transitions = require('transitions')
local admission = {}
do
  local function as_answer(item)
    return { item.job.id, false, item.bytes, item.envelope and { envelope = item.envelope } or false }
  end

  -- A new job as rows.ts packs it: id, bytes, unique, limits, and its envelope where that is long; what is absent is
  -- false.
  function admission.item(packed)
    return {
      job = jobs.parse(packed[1], packed[2]),
      bytes = packed[2],
      unique = packed[3] or nil,
      limits = packed[4] or nil,
      envelope = packed[5] or nil,
    }
  end

  -- A group of an insert: new jobs, or one itself.
  function admission.items(group)
    if type(group[1]) == 'string' then return { admission.item(group) } end
    local items = {}
    for i, packed in ipairs(group) do items[i] = admission.item(packed) end
    return items
  end

  function admission.envelope(item) return item.envelope or (jobs.envelope(item.job.id, item.bytes)) end

  local Group = {}
  Group.__index = Group

  -- Holders of a key as the group will have left them, by state, the oldest first. The store's own holders are among
  -- them if a job of the group may replace them.
  function Group:known(key)
    local known = self.by_key[key]
    if not known then
      known = { loaded = false }
      for _, states in ipairs({ holders.unfinished, holders.finished }) do
        for _, state in ipairs(states) do known[state] = {} end
      end
      self.by_key[key] = known
    end
    return known
  end

  function Group:load(key)
    local known = self:known(key)
    if known.loaded then return known end
    known.loaded = true
    for _, state in ipairs(holders.unfinished) do
      local all = holders.stored(key, state, nil, -1)
      table.sort(all, holders.older)
      for _, one in ipairs(known[state]) do holders.put_in(all, one) end
      known[state] = all
    end
    return known
  end

  -- Returns the oldest one in the first of the states that counts for a job that replaces no other.
  function Group:oldest(unique, states)
    local known, best = self:known(unique.key), nil
    for _, state in ipairs(states) do
      if bit.band(state, unique.states) ~= 0 then
        local one = known[state][holders.first_after(known[state], unique.createdAfter)]
        local there = (not known.loaded or jobs.is_over(state))
          and holders.stored(unique.key, state, unique.createdAfter, 1)[1] or nil
        if there and (not one or holders.older(there, one)) then one = there end
        if one and (not best or holders.older(one, best)) then best = one end
      end
    end
    return best
  end

  -- Ports core's `uniqueAnswer`: the holder that refuses the job, or those that it replaces.
  function Group:unique_answer(unique)
    if unique.onConflict == 'keep' then
      return self:oldest(unique, holders.unfinished) or self:oldest(unique, holders.finished), {}
    end
    local known, replaces = self:load(unique.key), {}
    for _, state in ipairs(holders.unfinished) do
      if bit.band(state, unique.states) ~= 0 then
        local list = known[state]
        for at = holders.first_after(list, unique.createdAfter), #list do replaces[#replaces + 1] = list[at] end
      end
    end
    table.sort(replaces, holders.older)
    if unique.onConflict == 'replace_unscheduled' then
      for _, one in ipairs(replaces) do
        if one.state == 1 then return one, {} end
      end
    end
    return nil, replaces
  end

  -- A job replaces the youngest of their lists.
  function Group:cancel(key, replaces)
    local known = self:known(key)
    for i = #replaces, 1, -1 do
      local list = known[replaces[i].state]
      for at = #list, 1, -1 do
        if list[at] == replaces[i] then
          table.remove(list, at)
          break
        end
      end
    end
    for _, one in ipairs(replaces) do
      one.state = 64
      holders.put_in(known[64], one)
    end
  end

  -- Ports core's `Queued`.
  local function is_queued(state) return state == 1 or state == 2 or state == 32 end

  -- Ports core's `queueRefusal`: why the queue does not take the job; nil where it does. `more` jobs of the group will
  -- wait in it besides (fewer than 0 where they replaced some).
  function admission.queue_refusal(job, row, more, options)
    if job.node then return nil end
    if row.paused and options.refusePaused then return { kind = 'paused', queue = job.queue } end
    local depth = queues.depth(row)
    if not row.capacity or not is_queued(job.state) or depth + more < row.capacity then return nil end
    return { kind = 'full', queue = job.queue, depth = depth, bound = row.capacity }
  end

  function Group:queue_refusal(job, replaces)
    local row = not self.options.always and queues.find(job.queue)
    if not row then return nil end
    local more = self.more[job.queue] or 0
    for _, one in ipairs(replaces) do
      if one.queue == job.queue and is_queued(one.state) then more = more - 1 end
    end
    return admission.queue_refusal(job, row, more, self.options)
  end

  -- A known id ports core's `sameOrOther`.
  function Group:look(item)
    local job, fresh = item.job, self.fresh[item.job.id]
    local known = fresh and fresh.job or jobs.read(job.id)
    if known then
      local envelope = fresh and admission.envelope(fresh) or jobs.envelope(job.id, cells.get('jobs', job.id))
      local existing = fresh and as_answer(fresh) or jobs.full(job.id)
      if envelope == admission.envelope(item) and known.queue == job.queue and known.type == job.type then
        return { kind = 'already', job = existing }
      end
      return { kind = 'duplicate', by = 'id', existing = existing }
    end
    local replaces = {}
    if item.unique then
      local refused_by
      refused_by, replaces = self:unique_answer(item.unique)
      if refused_by then
        local existing = refused_by.fresh and as_answer(refused_by.fresh) or jobs.full(refused_by.id)
        return { kind = 'duplicate', by = 'unique', existing = existing }
      end
    end
    return self:queue_refusal(job, replaces) or self:plan(item, replaces)
  end

  function Group:wait(queue, by) self.more[queue] = (self.more[queue] or 0) + by end

  function Group:plan(item, replaces)
    local job, ids = item.job, {}
    for i, one in ipairs(replaces) do
      ids[i] = one.id
      if is_queued(one.state) then self:wait(one.queue, -1) end
    end
    if is_queued(job.state) then self:wait(job.queue, 1) end
    self.fresh[job.id] = item
    self.count = self.count + 1
    if item.unique then
      local key = item.unique.key
      if #replaces > 0 then self:cancel(key, replaces) end
      -- Younger than every stored one.
      local own = { id = job.id, state = job.state, createdAt = job.createdAt, number = 4503599627370496 + self.count,
        queue = job.queue, fresh = item }
      holders.put_in(self:known(key)[job.state], own)
    end
    self.plans[#self.plans + 1] = { item = item, replaced = ids }
    if #ids == 0 then return true end
    return { kind = 'inserted', replaced = ids }
  end

  local function creation_data(job)
    if job.state == 1 then return '{"scheduled_at":"' .. history.timestamp(job.runAt) .. '"}' end
    return job.priority ~= 0 and '{"priority":' .. job.priority .. '}' or nil
  end

  local function carry_out(plan, now)
    local item = plan.item
    local job = item.job
    for _, id in ipairs(plan.replaced) do
      local replaced = jobs.read(id)
      if replaced then transitions.cancel(replaced, now) end
    end
    for _, limit in ipairs(item.limits or {}) do
      local numbers = limit.concurrency or #limit.rates > 0
      if numbers then
        limits.renumber(limit.key, { concurrency = limit.concurrency, rates = limit.rates }, nil, now)
      else
        limits.make(limit.key)
      end
    end
    jobs.add(job, item.bytes, store.next('number'))
    segments.made(job.queue, job.type, job.number, job.number)
    if item.envelope then cells.set('envelopes', job.id, item.envelope) end
    for _, key in ipairs(limit_groups.keys(limit_groups.of(job))) do limits.named(key, 1, now) end
    jobs.enter(job, now)
    statistics.count(job, nil, job.state, now)
    if logged and job.state ~= 4 then
      log.job(job.state == 1 and 'job.scheduled' or 'job.enqueued', job, nil, creation_data(job))
    end
  end

  local function kind_of(answer) return answer == true and 'inserted' or answer.kind end

  -- Ports core's `groupVerdict`: what becomes of the group; nil where it is inserted wholly.
  function admission.group_verdict(answers)
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

  -- Most groups are one job whose id and key are new, in a queue that takes it. Such a group needs no look.
  local function is_plain(item, options)
    local row = queues.find(item.job.queue)
    if row and not options.always and (row.capacity or row.paused) then return false end
    if jobs.exists(item.job.id) then return false end
    local keys = item.unique and holders.keys(item.unique) or {}
    return #keys == 0 or call('EXISTS', unpack(keys)) == 0
  end

  function admission.insert(group, now, options)
    if #group == 1 and is_plain(group[1], options) then
      carry_out({ item = group[1], replaced = {} }, now)
      return { true }
    end
    local state = setmetatable({ options = options, plans = {}, fresh = {}, by_key = {}, more = {}, count = 0 }, Group)
    local answers = {}
    for i, item in ipairs(group) do answers[i] = state:look(item) end
    local refused = admission.group_verdict(answers)
    if refused then return refused end
    for _, plan in ipairs(state.plans) do carry_out(plan, now) end
    return answers
  end

  -- Inserts a job whatever capacity and pause of its queue say. Answers a table with its kind.
  function admission.insert_always(item, now)
    local answer = admission.insert({ item }, now, { always = true })[1]
    return answer == true and { kind = 'inserted', replaced = {} } or answer
  end
end

return admission

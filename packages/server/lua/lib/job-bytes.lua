-- The data of a job by its id. The hash `jobs` has the job at its creation: numbers, names, envelope and policy, as
-- job-bytes.ts writes them, and behind them the job's number in 16 digits. `states` has what has changed: a short
-- record, which counts for the state always, and for priority, start and queue where it has them. Result, history,
-- progress and checkpoint have hashes of their own, and long envelopes are in `envelopes`.
local call, cells, p, unpacked = require('common')
local node_in = require('plain')
local jobs = {}
do
  -- Mark (a byte that no text begins with: TypeScript reads it as bytes), state, flags (1: there is a trace, 2: the
  -- envelope is in `envelopes`, 4: there are rare members, 8: a unique key and no other one, 16: limits and no other
  -- one, 32: a node and no other one), priority, run, creation, timeout, heartbeat, visibility (-1: none), type, queue,
  -- trace, rare members as packed map, or the unique key, or the node as <index>|<workflow>.
  local constant = '<BBBddddddHc0Hc0I4c0I4c0'
  -- Mark, state, flags, which of `numbers` and `names` follow, attempt, claim.
  local record = '<BBBHI4I4'
  local numbers = { 'runAt', 'expiresAt', 'enqueuedAt', 'startedAt', 'leaseMs', 'leaseUntil', 'beatAt', 'finishedAt',
    'priority' }
  local names = { 'worker', 'queue' }
  local dead, leased, batched = 1, 2, 64
  local text_flags = { result = 4, history = 8, progress = 16, checkpoint = 32 }
  local text_keys = { result = 'results', history = 'histories', progress = 'progress', checkpoint = 'checkpoints' }

  -- The format of a record with these members, and their names.
  local formats = {}
  local function format_of(mask)
    local known = formats[mask]
    if known then return known end
    known = { text = record, names = {} }
    for _, kind in ipairs({ { numbers, 'd', 0 }, { names, 'Hc0', #numbers } }) do
      for i, name in ipairs(kind[1]) do
        if bit.band(mask, bit.lshift(1, kind[3] + i - 1)) ~= 0 then
          known.text = known.text .. kind[2]
          known.names[#known.names + 1] = name
        end
      end
    end
    formats[mask] = known
    return known
  end

  local function apply(job, text)
    local _, _, _, mask = struct.unpack(record, text)
    local format = format_of(mask)
    local v = { struct.unpack(format.text, text) }
    local flags = v[3]
    job.state, job.attempt, job.claim, job.texts = v[2], v[5], v[6], bit.band(flags, 60)
    job.deadLetter = bit.band(flags, dead) ~= 0 or nil
    job.leaseRequired = bit.band(flags, leased) ~= 0 or nil
    job.batched = bit.band(flags, batched) ~= 0 or nil
    job.expiresAt = nil
    for i, name in ipairs(format.names) do job[name] = v[6 + i] end
  end

  -- A job whose bytes are `bytes`, of which `text` is the record, if there is one.
  function jobs.parse(id, bytes, text)
    local _, state, flags, priority, run_at, created_at, timeout, heartbeat, visibility, type, queue, trace, rare =
      struct.unpack(constant, bytes)
    local job = bit.band(flags, 40) == 0 and rare ~= '' and unpacked(rare) or {}
    if bit.band(flags, 8) ~= 0 then job.uniqueKey = rare end
    if bit.band(flags, 32) ~= 0 then
      local workflow, index = node_in(rare)
      job.node = { workflow = workflow, index = tonumber(index) }
    end
    job.id, job.type, job.queue, job.state, job.priority = id, type, queue, state, priority
    job.runAt, job.createdAt, job.timeoutMs, job.heartbeatMs = run_at, created_at, timeout, heartbeat
    if visibility >= 0 then job.visibilityMs = visibility end
    if flags % 2 == 1 then job.trace = trace end
    job.attempt, job.claim, job.texts = 0, 0, 0
    if state == 2 then job.enqueuedAt = created_at end
    job.first = { runAt = run_at, priority = priority, queue = queue }
    if text then apply(job, text) end
    return job
  end

  local function number_of(bytes) return tonumber(string.sub(bytes, -16)) end

  -- Gives a new job its number.
  function jobs.add(job, bytes, number)
    job.number = number
    cells.set('jobs', job.id, bytes .. string.format('%016d', number))
  end

  local function record_of(job)
    local mask, parts, n = 0, { 192, job.state, 0, 0, job.attempt, job.claim }, 6
    for i, name in ipairs(numbers) do
      local value = job[name]
      if value and value ~= job.first[name] then
        mask, n = mask + bit.lshift(1, i - 1), n + 1
        parts[n] = value
      end
    end
    for i, name in ipairs(names) do
      local value = job[name]
      if value and value ~= job.first[name] then
        mask, n = mask + bit.lshift(1, #numbers + i - 1), n + 2
        parts[n - 1], parts[n] = #value, value
      end
    end
    parts[3] = job.texts + (job.deadLetter and dead or 0) + (job.leaseRequired and leased or 0)
      + (job.batched and batched or 0)
    parts[4] = mask
    return struct.pack(format_of(mask).text, unpack(parts))
  end

  function jobs.read(id)
    local bytes = cells.get('jobs', id)
    if not bytes then return nil end
    local job = jobs.parse(id, bytes, cells.get('states', id))
    job.number = number_of(bytes)
    return job
  end

  function jobs.exists(id) return cells.get('jobs', id) ~= false end

  -- Reads jobs ahead. Answers their bytes in `jobs`.
  function jobs.fetch(ids, first, last)
    cells.fetch('states', ids, first, last)
    return cells.fetch('jobs', ids, first, last)
  end

  -- A job in an answer: id, record, bytes, and a map of its other texts or false; nil where it is missing.
  function jobs.full(id)
    local bytes, text = cells.get('jobs', id), cells.get('states', id)
    if not bytes then return nil end
    local found = {}
    local flags = text and bit.band(string.byte(text, 3), 60) or 0
    for name, flag in pairs(flags > 0 and text_flags or {}) do
      if bit.band(flags, flag) ~= 0 then found[name] = cells.get(text_keys[name], id) or nil end
    end
    if bit.band(string.byte(bytes, 3), 2) ~= 0 then found.envelope = cells.get('envelopes', id) or nil end
    return { id, text, bytes, next(found) and found or false }
  end

  -- How many bytes the texts of a job have that are not in its record.
  function jobs.size(job)
    local bytes = cells.get('jobs', job.id)
    local sum = #bytes
    for name, flag in pairs(job.texts > 0 and text_flags or {}) do
      if bit.band(job.texts, flag) ~= 0 then sum = sum + call('HSTRLEN', p .. text_keys[name], job.id) end
    end
    if bit.band(string.byte(bytes, 3), 2) ~= 0 then sum = sum + call('HSTRLEN', p .. 'envelopes', job.id) end
    return sum
  end

  local function texts_at(bytes) return select(14, struct.unpack(constant, bytes)) end

  -- Envelope and policy of a job of these bytes; the policy is nil where there is none.
  function jobs.envelope(id, bytes)
    local envelope, policy = struct.unpack('<I4c0I4c0', bytes, texts_at(bytes))
    if bit.band(string.byte(bytes, 3), 2) ~= 0 then envelope = cells.get('envelopes', id) or '' end
    return envelope, policy ~= '' and policy or nil
  end

  function jobs.policy(job)
    local _, policy = jobs.envelope(job.id, cells.get('jobs', job.id))
    return policy
  end

  local function set_texts(job, bytes, envelope, policy)
    cells.set('jobs', job.id, bytes .. struct.pack('<I4c0I4c0', #envelope, envelope, #policy, policy)
      .. string.sub(cells.get('jobs', job.id), -16))
  end

  function jobs.set_policy(job, policy)
    local bytes = cells.get('jobs', job.id)
    local at = texts_at(bytes)
    set_texts(job, string.sub(bytes, 1, at - 1), struct.unpack('<I4c0', bytes, at), policy)
  end

  -- As in job-bytes.ts: what a claim reads ahead of a job is bounded.
  local long_envelope = 2048

  function jobs.set_envelope(job, envelope, policy)
    local bytes = cells.get('jobs', job.id)
    local flags = string.byte(bytes, 3)
    local kept = policy or jobs.policy(job) or ''
    local is_long = #envelope > long_envelope
    if is_long or bit.band(flags, 2) ~= 0 then cells.set('envelopes', job.id, is_long and envelope) end
    local inside = is_long and '' or envelope
    local start = string.sub(bytes, 1, 2) .. string.char(bit.band(flags, 61) + (is_long and 2 or 0))
      .. string.sub(bytes, 4, texts_at(bytes) - 1)
    set_texts(job, start, inside, kept)
  end

  -- The timeout follows mark, state, flags, priority, run and creation: 27 bytes.
  function jobs.set_timeout(job, ms)
    local bytes = cells.get('jobs', job.id)
    cells.set('jobs', job.id, string.sub(bytes, 1, 27) .. struct.pack('<d', ms) .. string.sub(bytes, 36))
    job.timeoutMs = ms
  end

  function jobs.save(job) cells.set('states', job.id, record_of(job)) end

  function jobs.text(job, name)
    return bit.band(job.texts, text_flags[name]) ~= 0 and cells.get(text_keys[name], job.id) or nil
  end

  -- Gives the job another text, or none (nil); the record is still to be saved.
  function jobs.set_text(job, name, text)
    local had = bit.band(job.texts, text_flags[name]) ~= 0
    if not text and not had then return end
    cells.set(text_keys[name], job.id, text or false)
    if text and not had then job.texts = job.texts + text_flags[name] end
    if not text then job.texts = job.texts - text_flags[name] end
  end

  -- Removes what is kept of a job by its id. Only a job whose policy has core's `stepsMember` has rows of steps; a text
  -- of its envelope may look alike.
  function jobs.forget(job)
    if string.find(cells.get('jobs', job.id), '"steps":', 1, true) then
      for _, kind in ipairs({ 'steps:', 'step_values:', 'mailbox:', 'mail:' }) do
        call('UNLINK', p .. 'records:' .. kind .. job.id, p .. 'record_keys:' .. kind .. job.id)
      end
    end
    for name, flag in pairs(job.texts > 0 and text_flags or {}) do
      if bit.band(job.texts, flag) ~= 0 then cells.set(text_keys[name], job.id, false) end
    end
    if bit.band(string.byte(cells.get('jobs', job.id), 3), 2) ~= 0 then cells.set('envelopes', job.id, false) end
    cells.set('states', job.id, false)
    cells.set('jobs', job.id, false)
  end
end

return jobs

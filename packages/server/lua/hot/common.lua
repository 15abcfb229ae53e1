-- The loader puts this file before every script, then the other libraries that its operation names. KEYS[1] is the
-- prefix of all keys of a namespace, which is a hash tag; the loader sets `logged`. Redis does not roll a script back:
-- whatever may refuse is decided before the first write.
local p = KEYS[1]
local call = redis.call
-- The last argument is when the caller gives up, by this server's clock. A call that comes later, as from a network
-- that was dead, takes no effect.
do
  local deadline, time = tonumber(table.remove(ARGV)), call('TIME')
  if time[1] * 1000 + time[2] / 1000 > deadline then
    return redis.error_reply('LATE the caller has given up this call')
  end
end
local pack, unpacked = cmsgpack.pack, cmsgpack.unpack

-- Redis writes numbers of 12 and more zeros as 1e+12; `int` writes digits. `%d` has 64 bits here.
local function int(number) return string.format('%d', number) end

-- In pieces, because arguments go through the Lua stack, which is bounded.
local function in_pieces(command, key, list)
  for first = 1, #list, 1000 do call(command, key, unpack(list, first, math.min(first + 999, #list))) end
end

-- Scores that members of sorted sets get; false removes the member. One command a set writes them: at the end, or
-- before the script reads the set.
local pending = {}

-- Scores that a short path sets (hot/plain.lua), as the arguments of their commands: of each set the members that go,
-- then those that come with their scores before them.
local plain_scores = {}

local function write_plain(key)
  local one = plain_scores[key]
  if not one then return end
  plain_scores[key] = nil
  if #one.remove > 0 then in_pieces('ZREM', key, one.remove) end
  if #one.add > 0 then in_pieces('ZADD', key, one.add) end
end

local function set_score(key, member, score)
  if plain_scores[key] then write_plain(key) end
  local members = pending[key]
  if not members then
    members = {}
    pending[key] = members
  end
  members[member] = score
end

local function write_pending(key)
  write_plain(key)
  local members = pending[key]
  if not members then return end
  pending[key] = nil
  local add, remove = {}, {}
  for member, score in pairs(members) do
    if score then
      add[#add + 1] = score
      add[#add + 1] = member
    else
      remove[#remove + 1] = member
    end
  end
  if #remove > 0 then in_pieces('ZREM', key, remove) end
  if #add > 0 then in_pieces('ZADD', key, add) end
end

-- Fields of hashes: a script reads each once and writes its changes once, many in one command. False is no value.
local cells = {}
do
  local known, changed = {}, {}

  -- The fields of a hash that the script has read or written.
  function cells.of(key)
    local fields = known[key]
    if not fields then
      fields = {}
      known[key] = fields
    end
    return fields
  end

  function cells.get(key, field)
    local fields = cells.of(key)
    local value = fields[field]
    if value == nil then
      value = call('HGET', p .. key, field)
      fields[field] = value
    end
    return value
  end

  -- Reads fields that are needed soon; answers their bytes.
  function cells.fetch(key, names, first, last)
    local fields, bytes = cells.of(key), 0
    for from = first, last, 1000 do
      local to = math.min(from + 999, last)
      local values = call('HMGET', p .. key, unpack(names, from, to))
      for i = from, to do
        local value = values[i - from + 1]
        if fields[names[i]] == nil then fields[names[i]] = value end
        if value then bytes = bytes + #value end
      end
    end
    return bytes
  end

  -- The names of fields of a hash that are to be written.
  function cells.changed(key)
    local names = changed[key]
    if not names then
      names = {}
      changed[key] = names
    end
    return names
  end

  function cells.set(key, field, value)
    cells.of(key)[field] = value
    cells.changed(key)[field] = true
  end

  function cells.flush()
    for key, names in pairs(changed) do
      local fields, add, remove = known[key], {}, {}
      local at = 0
      for name in pairs(names) do
        local value = fields[name]
        if value then
          add[at + 1], add[at + 2] = name, value
          at = at + 2
        else
          remove[#remove + 1] = name
        end
      end
      if #remove > 0 then in_pieces('HDEL', p .. key, remove) end
      if at > 0 then in_pieces('HSET', p .. key, add) end
    end
    changed = {}
  end
end

-- Functions that write at the end of a script what it has gathered; the last one first.
local at_end = {}

at_end[1] = function()
  for key in pairs(plain_scores) do write_plain(key) end
  for key in pairs(pending) do write_pending(key) end
  cells.flush()
end

-- Counters of the store: number (jobs created), place (entries into available), position (of the log), start (the last
-- that a rate counted), ended (jobs in batches, see ended.lua).
local store = {}
do
  local values, changed = nil, {}

  function store.get(name)
    if not values then
      local v = call('HMGET', p .. 'store', 'number', 'place', 'position', 'start', 'ended')
      values = { number = tonumber(v[1] or 0), place = tonumber(v[2] or 0), position = tonumber(v[3] or 0),
        start = tonumber(v[4] or 0), ended = tonumber(v[5] or 0) }
    end
    return values[name]
  end

  function store.set(name, value)
    store.get(name)
    values[name], changed[name] = value, true
  end

  function store.next(name)
    local value = store.get(name) + 1
    store.set(name, value)
    return value
  end

  function store.flush()
    local fields = {}
    for name in pairs(changed) do
      fields[#fields + 1] = name
      fields[#fields + 1] = int(values[name])
    end
    if #fields > 0 then call('HSET', p .. 'store', unpack(fields)) end
    changed = {}
  end
end

-- Texts of events, some of several, and how many they are; `finish` writes them as one batch. `alike` has the values of
-- the last event of a job and `alike_member` those of the last one of a workflow's member, see event-log.lua; `last_id`
-- is the job of the last text, where that is the event of a job.
local entries, events, alike, alike_member, last_id = {}, 0, nil, nil, nil
local woken = {}

-- Core's `commonKinds`. Batches with an event of any other kind are also in the sorted set `log:<kind>`, by position.
local common = { ['job.enqueued'] = true, ['job.started'] = true, ['job.heartbeat'] = true, ['job.completed'] = true,
  ['workflow.job_completed'] = true }
local kinds = {}

local function note_kind(kind)
  if kind and not common[kind] then kinds[kind] = true end
end

local function log_event(entry)
  if not logged then return end
  entries[#entries + 1], events, alike, alike_member, last_id = entry, events + 1, nil, nil, nil
  note_kind(string.match(entry, '^%["([^"]+)"'))
end

-- Wakes the fetches that wait for jobs of the queue, after the script. Only a hint: a waiting fetch also polls.
local function wake(queue) woken[queue] = true end

-- A script that has changed jobs ends with this. `log` lists a batch as <at>:<count>:<position> by its position,
-- `entries` has its text.
local function finish(now)
  for i = #at_end, 1, -1 do at_end[i](now) end
  if #entries > 0 then
    local position = store.get('position') + 1
    store.set('position', position + events - 1)
    call('ZADD', p .. 'log', position, int(now) .. ':' .. events .. ':' .. int(position))
    call('HSET', p .. 'entries', int(position), '[' .. table.concat(entries, ',') .. ']')
    for kind in pairs(kinds) do call('ZADD', p .. 'log:' .. kind, position, int(position)) end
  end
  store.flush()
  local news = { #entries > 0 and 'events' or '' }
  for queue in pairs(woken) do news[#news + 1] = queue end
  -- Not `call`: without the right to publish the script has done everything else.
  if #entries > 0 or #news > 1 then redis.pcall('PUBLISH', p .. 'wake', table.concat(news, '\n')) end
  entries, events, alike, alike_member, last_id, woken, kinds = {}, 0, nil, nil, nil, {}, {}
end

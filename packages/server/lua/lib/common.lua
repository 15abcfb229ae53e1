-- The loader puts this file before every script, then the other libraries that its operation names. KEYS[1] is the
-- prefix of all keys of a namespace, which is a hash tag; the loader sets `logged`. Redis does not roll a script back:
-- whatever may refuse is decided before the first write.
local p = KEYS[1]
local call = redis.call
-- The last argument is when the caller gives up, by this server's clock. A call that comes later, as from a network
-- that was dead, takes no effect.
do
  local deadline, time = tonumber(table.remove(ARGV)), call('TIME')
  if time[1] * 1000 + time[2] / 1000 > deadline then return redis.error_reply('LATE the caller has given up this call') end
end
local pack, unpacked = cmsgpack.pack, cmsgpack.unpack

-- Redis writes numbers of 12 and more zeros as 1e+12; `int` writes digits. `%d` has 64 bits here.
local function int(number) return string.format('%d', number) end

-- In pieces, because arguments go through the Lua stack, which is bounded.
local function in_pieces(command, key, list)
  for first = 1, #list, 1000 do call(command, key, unpack(list, first, math.min(first + 999, #list))) end
end

-- A job in an answer: a text that begins with a byte that no UTF-8 has, followed by packed values: row, envelope,
-- policy, and a map of its long texts or false. So rows and texts go through as they are stored. See jobs.lua.
local function job_reply(id, row, texts, large)
  local long = '\194'
  if large then
    local found = {}
    for name in pairs(large) do found[name] = call('HGET', p .. 'j:' .. id, name) end
    long = pack(found)
  end
  return '\193\148' .. row .. texts .. long
end

-- Scores that members of sorted sets get; false removes the member. One command a set writes them: at the end, or
-- before the script reads the set.
local pending = {}

local function set_score(key, member, score)
  local members = pending[key]
  if not members then
    members = {}
    pending[key] = members
  end
  members[member] = score
end

local function write_pending(key)
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

-- Functions that write at the end of a script what it has gathered; the last one first.
local at_end = {}

at_end[1] = function()
  for key in pairs(pending) do write_pending(key) end
end

-- Counters of the store: number (jobs created), place (entries into available), position (of the log), start (the last
-- that a rate counted).
local store = {}
do
  local values, changed = {}, {}

  function store.get(name)
    if not values[name] then values[name] = tonumber(call('HGET', p .. 'store', name) or 0) end
    return values[name]
  end

  function store.set(name, value)
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

-- Texts of events; `finish` writes them as one batch.
local entries = {}
local woken = {}

local function log_event(entry)
  if logged then entries[#entries + 1] = entry end
end

-- Wakes the fetches that wait for jobs of the queue, after the script. Only a hint: a waiting fetch also polls.
local function wake(queue) woken[queue] = true end

-- A script that has changed something ends with this. `log` lists a batch as <at>:<count>:<position> by its position,
-- `entries` has its text.
local function finish(now)
  for i = #at_end, 1, -1 do at_end[i](now) end
  if #entries > 0 then
    local position = store.get('position') + 1
    store.set('position', position + #entries - 1)
    call('ZADD', p .. 'log', position, int(now) .. ':' .. #entries .. ':' .. int(position))
    call('HSET', p .. 'entries', int(position), '[' .. table.concat(entries, ',') .. ']')
  end
  store.flush()
  local news = { #entries > 0 and 'events' or '' }
  for queue in pairs(woken) do news[#news + 1] = queue end
  -- Not `call`: without the right to publish the script has done everything else.
  if #entries > 0 or #news > 1 then redis.pcall('PUBLISH', p .. 'wake', table.concat(news, '\n')) end
  entries, woken = {}, {}
end

-- Ports JSON.stringify of a string.
local function quote(text)
  if not string.find(text, '[%c"\\]') then return '"' .. text .. '"' end
  local short = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
  return '"' .. string.gsub(text, '[%z\1-\31"\\]', function(char) return short[char] or string.format('\\u%04x', string.byte(char)) end) .. '"'
end

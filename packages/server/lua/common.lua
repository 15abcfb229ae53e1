-- Put in front of every script, with the other libraries that the script names in its second line. KEYS[1] is the
-- prefix of all keys of a namespace, which is a hash tag; `logged` is set in front of this file. A script is not rolled
-- back: what may refuse is decided before the first write.
local p = KEYS[1]
local call = redis.call
-- The last argument is when the caller gives up, by this clock. What comes later, as from a network that was dead,
-- takes no effect.
do
  local deadline, time = tonumber(table.remove(ARGV)), call('TIME')
  if time[1] * 1000 + time[2] / 1000 > deadline then return redis.error_reply('LATE nobody waits for this call any more') end
end
local pack, unpacked = cmsgpack.pack, cmsgpack.unpack

-- Redis writes numbers of 12 and more zeros as 1e+12; this never. Integers have 64 bits here.
local function int(number) return string.format('%d', number) end

-- Arguments go through the Lua stack, which is bounded.
local function in_pieces(command, key, list)
  for first = 1, #list, 1000 do call(command, key, unpack(list, first, math.min(first + 999, #list))) end
end

-- What an answer tells of a job: a text that begins with a byte that no UTF-8 has, and is packed itself: row, envelope,
-- policy, and a map of its long texts or false. So rows and texts go through as they are stored. See jobs.lua.
local function told_job(id, row, texts, large)
  local long = '\194'
  if large then
    local found = {}
    for name in pairs(large) do found[name] = call('HGET', p .. 'j:' .. id, name) end
    long = pack(found)
  end
  return '\193\148' .. row .. texts .. long
end

-- Members of sorted sets that are to be there (a score) or not (false). One command a set writes them, before somebody
-- reads it and at the end.
local pending = {}

local function place(key, member, score)
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

-- Functions that write, at the end of a script, what was gathered on its way; the last one first.
local ends = {}

ends[1] = function()
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

-- Texts of events, written as one batch at the end.
local entries = {}
local woken = {}

local function tell(entry)
  if logged then entries[#entries + 1] = entry end
end

-- Who waits for jobs of the queue is told after the script. A hint: who waits also polls.
local function wake(queue) woken[queue] = true end

-- The last words of a script that has changed something. `log` lists a batch as <at>:<count>:<position> by its
-- position, `entries` has its text.
local function finish(now)
  for i = #ends, 1, -1 do ends[i](now) end
  if #entries > 0 then
    local position = store.get('position') + 1
    store.set('position', position + #entries - 1)
    call('ZADD', p .. 'log', position, int(now) .. ':' .. #entries .. ':' .. int(position))
    call('HSET', p .. 'entries', int(position), '[' .. table.concat(entries, ',') .. ']')
  end
  store.flush()
  local news = { #entries > 0 and 'events' or '' }
  for queue in pairs(woken) do news[#news + 1] = queue end
  -- A user without the right to publish has done everything else.
  if #entries > 0 or #news > 1 then redis.pcall('PUBLISH', p .. 'wake', table.concat(news, '\n')) end
  entries, woken = {}, {}
end

-- A JSON string, as JSON.stringify writes it.
local function quote(text)
  if not string.find(text, '[%c"\\]') then return '"' .. text .. '"' end
  local short = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
  return '"' .. string.gsub(text, '[%z\1-\31"\\]', function(char) return short[char] or string.format('\\u%04x', string.byte(char)) end) .. '"'
end

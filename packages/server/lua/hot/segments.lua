-- The queues and types that the jobs of a segment may have: 1024 jobs that were made one after the other. The hash
-- `segments` has the newest 4096 of them by segment % 4096: the number of the segment, a line break, and a line for
-- each name, `q:` and a queue or `t:` and a type; no names where they are too many. So a list of one queue or type
-- passes the other jobs without a look at them. A segment that is not there may have any job.
local at_end, call, int, p = require('common')
local segments = {}
do
  local key, size, kept, longest = p .. 'segments', 1024, 4096, 4096
  -- For each segment: the names that the script has met, and whether its first job is among these.
  local names, whole = {}, {}

  function segments.of(number) return math.floor((number - 1) / size) end

  -- The first number of a segment.
  function segments.start(segment) return segment * size + 1 end

  local function add(segment, name)
    if not names[segment] then names[segment] = {} end
    names[segment][name] = true
  end

  -- New jobs with the numbers from `first` to `last`. A restore is `complete`: it makes all jobs of the store.
  function segments.made(queue, type, first, last, complete)
    for segment = segments.of(first), segments.of(last) do
      add(segment, 'q:' .. queue .. '\n')
      add(segment, 't:' .. type .. '\n')
      if complete or first <= segments.start(segment) then whole[segment] = true end
    end
  end

  function segments.moved(number, queue) add(segments.of(number), 'q:' .. queue .. '\n') end

  -- The number of a segment and its line break, and the names behind it.
  local function parts(text)
    local number, at = string.match(text, '^(%d+)\n()')
    return tonumber(number), string.sub(text, at - 1)
  end

  local function write(segment, more)
    local slot = segment % kept
    local text = call('HGET', key, slot)
    local known, listed = nil, '\n'
    if text then known, listed = parts(text) end
    if known ~= segment then
      -- A newer segment keeps its place.
      if known and known > segment then return end
      listed = '\n'
      if not whole[segment] then
        if known then call('HDEL', key, slot) end
        return
      end
    elseif listed == '\n' then
      return
    end
    local all = { listed }
    for name in pairs(more) do
      if not string.find(listed, '\n' .. name, 1, true) then all[#all + 1] = name end
    end
    if #all == 1 then return end
    listed = table.concat(all)
    call('HSET', key, slot, int(segment) .. (#listed > longest and '\n' or listed))
  end

  at_end[#at_end + 1] = function()
    for segment, more in pairs(names) do write(segment, more) end
    names, whole = {}, {}
  end

  local answers = {}

  -- Reports whether the segment may have a job in this queue and of this type; nil is any. A script asks for one pair.
  function segments.may_have(segment, queue, type)
    local answer = answers[segment]
    if answer == nil then
      local text = call('HGET', key, segment % kept)
      local known, listed
      if text then known, listed = parts(text) end
      answer = known ~= segment or listed == '\n' or
        ((not queue or string.find(listed, '\nq:' .. queue .. '\n', 1, true) ~= nil) and
        (not type or string.find(listed, '\nt:' .. type .. '\n', 1, true) ~= nil))
      answers[segment] = answer
    end
    return answer
  end
end

-- The sorted sets that have limit groups by head (limit-groups.lua): a script reads each as rarely as it can.
local call, p, set_score, write_pending = require('common')
local lists = {}
do
  -- By queue, the first open groups in their order: `heads` and `groups` go together. All open groups up to the head
  -- `bound` are among them; without it all are.
  local ahead = {}

  -- The place in the list of a head, or that where it belongs.
  local function place_of(list, head)
    local low, high = 1, #list.heads + 1
    while low < high do
      local middle = math.floor((low + high) / 2)
      if list.heads[middle] < head then low = middle + 1 else high = middle end
    end
    return low
  end

  -- The head of an open group moves, false where the group was not open or is not any more.
  function lists.set_open(queue, group, was, head)
    set_score(p .. 'open_groups:' .. queue, group, head)
    local list = ahead[queue]
    if not list then return end
    local at = was and place_of(list, was)
    while at and list.heads[at] == was do
      if list.groups[at] == group then
        table.remove(list.heads, at)
        table.remove(list.groups, at)
        break
      end
      at = at + 1
    end
    if not head or (list.bound and head > list.bound) then return end
    at = place_of(list, head)
    table.insert(list.heads, at, head)
    table.insert(list.groups, at, group)
  end

  -- The best open group of a queue, the head of the one after it, and the groups that were read for that, if any: more
  -- each time, up to `wanted`.
  function lists.best(queue, wanted)
    local list, found = ahead[queue], nil
    if not list or (list.bound and #list.heads < 2) then
      local key, size = p .. 'open_groups:' .. queue, list and list.size * 4 or 2
      size = math.max(2, math.min(size, wanted + 1, 1000))
      write_pending(key)
      local read = call('ZRANGE', key, 0, size - 1, 'WITHSCORES')
      list, found = { heads = {}, groups = {}, size = size }, {}
      for i = 1, #read / 2 do
        list.groups[i], list.heads[i], found[i] = read[2 * i - 1], tonumber(read[2 * i]), read[2 * i - 1]
      end
      list.bound = list.heads[size]
      ahead[queue] = list
    end
    return list.groups[1], list.heads[2], found
  end

  -- The first members and heads of the lists of single keys, where they were read and have not changed since.
  local firsts = {}

  -- The open or the closed groups of a waitlist.
  local function key_of(queue, key, open)
    return p .. (open and 'open_groups:' or 'waitlist:') .. queue .. '\n' .. key
  end

  function lists.set(queue, group, key, open, head)
    local list = key_of(queue, key, open)
    firsts[list] = nil
    set_score(list, group, head)
  end

  function lists.first(queue, key, open)
    local list = key_of(queue, key, open)
    local known = firsts[list]
    if not known then
      write_pending(list)
      local found = call('ZRANGE', list, 0, 0, 'WITHSCORES')
      known = { found[1], tonumber(found[2]) }
      firsts[list] = known
    end
    return known[1], known[2]
  end

  local none = {}

  -- The caller knows that the waitlist has no closed group.
  function lists.has_none(queue, key) firsts[key_of(queue, key, false)] = none end
end

return lists

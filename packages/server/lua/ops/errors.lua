local call, p = require('common')
local errors = require('errors')

-- { after, limit, states, deadLetter, queue, type }: a page of the groups behind `after`. Answers the groups
-- that fit, each with its number of jobs, and the last group of the page; false at the end.
function reading.error_groups(q)
  local found, last = {}, false
  local page = call('ZRANGEBYLEX', p .. 'errors', q.after and '(' .. q.after or '-', '+', 'LIMIT', 0, q.limit)
  for _, group in ipairs(page) do
    local _, list, queue, type = errors.parts(group)
    local state = tonumber(list) or 128
    local fits = bit.band(state, q.states) ~= 0 and (list == 'dead' or not q.deadLetter)
    if fits and (not q.queue or queue == q.queue) and (not q.type or type == q.type) then
      found[#found + 1], found[#found + 2] = group, call('ZCARD', p .. 'e:' .. group)
    end
  end
  if #page == q.limit then last = page[#page] end
  return { found, last }
end

-- Groups; answers of each the positions of its first and last job, { score, number, id } or false.
function reading.error_ends(groups)
  local out = {}
  for i, group in ipairs(groups) do
    local ends = {}
    for at = 0, 1 do
      local found = call('ZRANGE', p .. 'e:' .. group, -at, -at, 'WITHSCORES')
      local ref = found[1]
      ends[at + 1] = ref and { tonumber(found[2]), tonumber(string.sub(ref, 1, -37)), string.sub(ref, -36) } or false
    end
    out[i] = ends
  end
  return out
end

-- Ids; answers their histories, false where a job has none.
function reading.histories(ids)
  local out = {}
  for i, id in ipairs(ids) do out[i] = call('HGET', p .. 'histories', id) end
  return out
end

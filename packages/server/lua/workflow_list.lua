#!lua flags=no-writes
-- With graph.
-- ARGV: number before which to begin ('' for the newest), how many to leave out, limit, states. Newest first.
-- Answers how many there are in all, whether more follow, the number of the last that was left out or listed ('' for
-- none), then number, id, record of each.
local skip, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local from = ARGV[1] == '' and '+inf' or '(' .. ARGV[1]
local total, found = 0, {}
for i = 4, #ARGV do
  local key = p .. 'flows:' .. ARGV[i]
  total = total + call('ZCARD', key)
  local ids = call('ZRANGE', key, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, skip + limit + 1, 'WITHSCORES')
  for at = 1, #ids, 2 do found[#found + 1] = { id = ids[at], number = tonumber(ids[at + 1]) } end
end
table.sort(found, function(a, b) return a.number > b.number end)
local last = found[math.min(#found, skip + limit)]
local out = { total, found[skip + limit + 1] and 1 or 0, last and int(last.number) or '' }
for i = skip + 1, math.min(#found, skip + limit) do
  out[#out + 1] = int(found[i].number)
  out[#out + 1] = found[i].id
  out[#out + 1] = graph.record(found[i].id)
end
return out

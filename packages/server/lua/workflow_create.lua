#!lua
-- With graph.
-- ARGV: now, id, the id, the name and the kind as JSON, spec, total, how many nodes are members, highest index, number
-- of events, number of texts that follow for the nodes, number of texts for those that are ready; then these three
-- lists. Answers kind, record, indexes of nodes that are ready.
local now, id = ARGV[1], ARGV[2]
local flow = p .. 'f:' .. id

local known = call('HMGET', flow, 'n', 'k', 'sp', 't', 's')
if known[1] then
  local same = known[1] == ARGV[4] and known[2] == ARGV[5] and known[3] == ARGV[6] and known[4] == ARGV[7]
  local ready = same and known[5] == 'running' and call('ZRANGE', p .. 'nr:' .. id, 0, -1) or {}
  return { same and 'already' or 'duplicate', graph.record(id), ready }
end

local events, fields, ready = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local number = int(call('INCR', p .. 'flows:number'))
call('HSET', flow, 'no', number, 'i', ARGV[3], 'n', ARGV[4], 'k', ARGV[5], 'sp', ARGV[6], 't', ARGV[7], 'w', ARGV[8], 'm', ARGV[9],
  's', 'running', 'c', 0, 'f', 0, 'x', 0, 'at', now)
call('ZADD', p .. 'flows:running', number, id)

-- In pieces, because arguments go through the Lua stack.
local function in_pieces_of_argv(command, key, from, count)
  for first = from, from + count - 1, 1000 do call(command, key, unpack(ARGV, first, math.min(first + 999, from + count - 1))) end
end
in_pieces_of_argv('HSET', p .. 'n:' .. id, 13 + events, fields)
in_pieces_of_argv('ZADD', p .. 'nr:' .. id, 13 + events + fields, ready)
if ready > 0 then call('ZADD', p .. 'flows:ready', number, id) end
for i = 13, 12 + events do tell(ARGV[i]) end
finish(now)
return { 'created', graph.record(id), call('ZRANGE', p .. 'nr:' .. id, 0, -1) }

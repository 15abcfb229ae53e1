#!lua flags=no-writes
-- With graph.
-- ARGV: id, index after which to begin, limit. Answers the nodes that are there, in order.
local out, seen = {}, {}
local last = tonumber(call('HGET', p .. 'f:' .. ARGV[1], 'm') or -1)
local limit = tonumber(ARGV[3])
for index = math.max(0, tonumber(ARGV[2]) + 1), last do
  if #out >= limit then break end
  local node = graph.node(ARGV[1], int(index), seen)
  if node then out[#out + 1] = node end
end
return out

#!lua flags=no-writes
-- With common.
-- `workers` holds the names by the time of their last heartbeat, w:<worker> what is known of one. Answers name and
-- record of each.
local out = {}
for _, worker in ipairs(call('ZRANGE', p .. 'workers', 0, -1)) do
  out[#out + 1] = worker
  out[#out + 1] = call('HMGET', p .. 'w:' .. worker, 'seen', 'before', 'state', 'directive', 'info', 'holds', 'held')
end
return out

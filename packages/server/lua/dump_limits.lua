#!lua flags=no-writes
-- With limits.
-- Packed { after, limit }; answers the records behind the key, each with the time of its last use, and all starts that
-- are kept.
local request = unpacked(ARGV[1])
local out = {}
for i, key in ipairs(call('ZRANGEBYLEX', p .. 'limit:names', request.after and '(' .. request.after or '-', '+', 'LIMIT', 0, request.limit)) do
  local row = limits.find(key)
  out[i] = { key, row.own, row.override or false, row.usedAt, call('LRANGE', p .. 'starts:' .. key, 0, -1) }
end
return pack(out)

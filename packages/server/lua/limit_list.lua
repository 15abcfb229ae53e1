#!lua flags=no-writes
-- With jobs.
-- Packed { after, offset, limit }; answers records and how many keys there are.
local request = unpacked(ARGV[1])
local names = p .. 'limit:names'
local keys
if request.after then
  keys = call('ZRANGEBYLEX', names, '(' .. request.after, '+', 'LIMIT', 0, request.limit + 1)
else
  keys = call('ZRANGE', names, request.offset, request.offset + request.limit)
end
local out = {}
for i, key in ipairs(keys) do out[i] = limits.record(key) end
return pack({ out, call('ZCARD', names) })

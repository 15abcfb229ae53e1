#!lua flags=no-writes
-- With common.
-- ARGV: a member of the list of minutes to go on behind ('' for none), since, limit. Answers minute:queue and the sums
-- of each, oldest first.
local out, list = {}, p .. 'minutes'
local after, from, skip = ARGV[1], ARGV[2], 0
if after ~= '' then
  from = string.match(after, '^%-?%d+')
  -- One that is gone meanwhile was the oldest.
  local rank = call('ZRANK', list, after)
  skip = rank and rank + 1 - call('ZCOUNT', list, '-inf', '(' .. from) or 0
end
for _, minute in ipairs(call('ZRANGEBYSCORE', list, from, '+inf', 'LIMIT', skip, ARGV[3])) do
  out[#out + 1] = minute
  out[#out + 1] = call('HMGET', p .. 'm:' .. minute, 'e', 's', 'c', 'f', 'd', 'u', 'w')
end
return out

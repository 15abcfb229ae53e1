#!lua flags=no-writes
-- With common.
-- Packed cursor; answers the next one ('0' at the end) and names of keys of the namespace. A key that is there all the
-- time is answered, maybe more than once.
local found = call('SCAN', unpacked(ARGV[1]), 'MATCH', p .. '*', 'COUNT', 1000)
local names = {}
for i, key in ipairs(found[2]) do names[i] = string.sub(key, #p + 1) end
return pack({ found[1], names })

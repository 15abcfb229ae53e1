#!lua flags=no-writes
-- With common.
-- Packed cursor; answers the next one ('0' at the end), and of each request its key, its time, and id and claim of its
-- jobs.
local found = call('HSCAN', p .. 'requests', unpacked(ARGV[1]), 'COUNT', 500)
local out = {}
for i = 1, #found[2], 2 do
  local known = unpacked(found[2][i + 1])
  out[#out + 1] = { found[2][i], known.at, known.claims }
end
return pack({ found[1], out })

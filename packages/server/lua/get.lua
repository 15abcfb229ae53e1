#!lua flags=no-writes
-- With jobs.
-- Packed list of ids; answers a list of jobs, false where there is none.
local out = {}
for i, id in ipairs(unpacked(ARGV[1])) do out[i] = jobs.full(id) or false end
return pack(out)

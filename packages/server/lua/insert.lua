#!lua
-- With admission.
-- Packed { now, groups, options }; answers a list of lists, see admission.lua. Refused as a whole where the server is
-- out of memory.
local request = unpacked(ARGV[1])
local out = {}
for i, group in ipairs(request.groups) do out[i] = admission.insert(group, request.now, request.options) end
local answer = pack(out)
finish(request.now)
return answer

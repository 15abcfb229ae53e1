#!lua flags=allow-oom
-- With changes.
-- Packed { now, transitions }; answers a list, see changes.move.
local request = unpacked(ARGV[1])
local out = {}
for i, transition in ipairs(request.transitions) do out[i] = changes.move(transition, request.now) end
local answer = pack(out)
finish(request.now)
return answer

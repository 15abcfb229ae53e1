#!lua flags=no-writes
-- With graph.
-- ARGV: workflow and index of each. Answers a node or null of each.
local out, seen = {}, {}
for i = 1, #ARGV, 2 do out[#out + 1] = graph.node(ARGV[i], ARGV[i + 1], seen) end
return out

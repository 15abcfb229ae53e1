#!lua flags=no-writes
-- With graph.
-- ARGV: limit. Answers two lists: workflow and index of each node that is ready, by creation and index; ids of
-- workflows whose jobs are to be dealt with.
local limit = tonumber(ARGV[1])
local ready, left = {}, limit
for _, id in ipairs(call('ZRANGE', p .. 'flows:ready', 0, limit - 1)) do
  if left <= 0 then break end
  for _, index in ipairs(call('ZRANGE', p .. 'nr:' .. id, 0, left - 1)) do
    ready[#ready + 1] = id
    ready[#ready + 1] = index
    left = left - 1
  end
end
return { ready, call('ZRANGE', p .. 'flows:sweeping', 0, limit - 1) }

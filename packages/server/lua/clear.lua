#!lua flags=allow-oom
-- With common.
-- Packed { cursor, all }: removes keys of the namespace, with the layout where `all` goes. Answers the next cursor, '0'
-- at the end.
local request = unpacked(ARGV[1])
local found = call('SCAN', request.cursor, 'MATCH', p .. '*', 'COUNT', 1000)
for _, key in ipairs(found[2]) do
  if request.all or key ~= p .. 'layout' then call('UNLINK', key) end
end
return pack(found[1])

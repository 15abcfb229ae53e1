#!lua flags=no-writes
-- With common.
-- ARGV: cursor, about how many keys to look at. Answers the next cursor, then of each kind (the word between the prefix
-- and the next colon) how many keys there are and their bytes; those of a large set or hash the server estimates from
-- some of its members.
local page = call('SCAN', ARGV[1], 'MATCH', p .. '*', 'COUNT', ARGV[2])
local kinds = {}
for _, key in ipairs(page[2]) do
  local name = string.match(key, '^[^:]*', #p + 1)
  local kind = kinds[name] or { 0, 0 }
  kinds[name] = kind
  kind[1] = kind[1] + 1
  kind[2] = kind[2] + (call('MEMORY', 'USAGE', key) or 0)
end
local out = { page[1] }
for name, kind in pairs(kinds) do
  out[#out + 1] = name
  out[#out + 1] = int(kind[1])
  out[#out + 1] = int(kind[2])
end
return out

#!lua
-- With common.
-- ARGV: kind, key, body, expected version ('' for a new document, 'any' for whatever is there), now.
-- doc:<kind> holds version|created|updated|body by key. Answers it, or null where the version on record is another.
local documents = p .. 'doc:' .. ARGV[1]
local known = call('HGET', documents, ARGV[2])
local version, created = 0, ARGV[5]
if known then
  local v, at = string.match(known, '^(%d+)|(%-?%d+)')
  version, created = tonumber(v), at
end
if ARGV[4] ~= 'any' and ARGV[4] ~= (known and int(version) or '') then return false end
local document = table.concat({ int(version + 1), created, ARGV[5], ARGV[3] }, '|')
call('HSET', documents, ARGV[2], document)
return document

-- The store as a whole: its layout, its keys, leases of upkeep tasks.
local call, int, p, pack, unpacked = require('common')

-- Answers the version of the layout; 0 where there is none.
function reading.layout_get(_)
  return tonumber(call('HGET', p .. 'layout', 'version') or 0)
end

-- { version, oldest, seed, leaseKey }: notes the layout where the stored one is older, but not older than
-- `oldest`. Answers the version before, and the seed and the key of its leases that the store keeps for ever.
function changing.layout(request)
  local key = p .. 'layout'
  local from = tonumber(call('HGET', key, 'version') or 0)
  call('HSETNX', key, 'seed', int(request.seed))
  call('HSETNX', key, 'leases', request.leaseKey)
  if from < request.version and (from == 0 or from >= request.oldest) then
    call('HSET', key, 'version', int(request.version))
  end
  return { from, tonumber(call('HGET', key, 'seed')), call('HGET', key, 'leases') }
end

-- { cursor, all }: removes keys of the namespace, the layout too with `all`. Answers the next cursor, '0'
-- at the end.
function changing.clear(request)
  local found = call('SCAN', request.cursor, 'MATCH', p .. '*', 'COUNT', 1000)
  for _, key in ipairs(found[2]) do
    if request.all or key ~= p .. 'layout' then call('UNLINK', key) end
  end
  return found[1]
end

-- ARGV: cursor, about how many keys to look at. Answers the next cursor, then of each kind (the word
-- between the prefix and the next colon) how many keys there are and their bytes. The server estimates the bytes of a
-- large set or hash from some of its members.
function reading.memory()
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
end

-- { now, name, holder, till, most }; answers whether the holder has the lease. A lease that ends after
-- `most` was taken by a wrong clock.
function changing.lease(request)
  local text = call('HGET', p .. 'leases', request.name)
  local known = text and unpacked(text)
  if known and known.holder ~= request.holder and known.till > request.now and known.till <= request.most then
    return false
  end
  call('HSET', p .. 'leases', request.name, pack({ holder = request.holder, till = request.till }))
  return true
end

-- { name, holder }.
function changing.release(request)
  local text = call('HGET', p .. 'leases', request.name)
  if text and unpacked(text).holder == request.holder then call('HDEL', p .. 'leases', request.name) end
  return true
end

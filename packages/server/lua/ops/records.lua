-- Records: the hash records:<kind> holds version|created|updated|body by key, the sorted set record_keys:<kind> the keys
-- in their order.
local call, int, p = require('common')

local function find(kind, key) return call('HGET', p .. 'records:' .. kind, key) end

-- Kind and key of each; answers the text of each, false for none.
function reading.records_get(keys)
  local out = {}
  for i, one in ipairs(keys) do out[i] = find(one[1], one[2]) end
  return out
end

-- { kind, bound, backwards, skip, limit }, the bound as ZRANGEBYLEX takes it, absent for none. Answers
-- keys, and their texts.
function reading.records_scan(request)
  local index = p .. 'record_keys:' .. request.kind
  local keys
  if request.backwards then
    keys = call('ZREVRANGEBYLEX', index, request.bound or '+', '-', 'LIMIT', request.skip, request.limit)
  else
    keys = call('ZRANGEBYLEX', index, request.bound or '-', '+', 'LIMIT', request.skip, request.limit)
  end
  local texts = {}
  for i, key in ipairs(keys) do texts[i] = find(request.kind, key) end
  return { keys, texts }
end

-- Ports core's `fitsChange`.
local function fits(change)
  for _, one in ipairs(change.checks) do
    local text = find(one[1], one[2])
    if (text and string.match(text, '^%d+')) ~= one[3] then return false end
  end
  return true
end

local function commit(changes)
  local out = {}
  for i, change in ipairs(changes) do
    out[i] = fits(change)
    if out[i] then
      for _, one in ipairs(change.deletes) do
        call('HDEL', p .. 'records:' .. one[1], one[2])
        call('ZREM', p .. 'record_keys:' .. one[1], one[2])
      end
      for _, one in ipairs(change.puts) do
        call('HSET', p .. 'records:' .. one[1], one[2], one[3])
        call('ZADD', p .. 'record_keys:' .. one[1], 0, one[2])
      end
    end
  end
  return out
end

-- Changes: { checks, puts, deletes } of each. A check is kind, key and version as text, false for no record;
-- a put is kind, key and text. Answers of each whether it has taken effect.
function adding.records_commit(changes) return commit(changes) end

-- The same for changes that put nothing.
function changing.records_delete(changes) return commit(changes) end

-- { cursor, limit }: brings the audit log (the sorted set `audit`, a member is id and entry) and documents
-- (doc:<kind>) of layout 4 into records, a piece each time: the audit log with the cursor '', then documents. Answers
-- the next cursor, '0' once all is done.
function adding.records_adopt(request)
  local function add(kind, key, text)
    call('HSETNX', p .. 'records:' .. kind, key, text)
    call('ZADD', p .. 'record_keys:' .. kind, 0, key)
  end
  local entries = request.cursor == '' and call('ZRANGE', p .. 'audit', 0, request.limit - 1) or {}
  for _, member in ipairs(entries) do
    local id = string.sub(member, 1, 36)
    local at = int(tonumber(string.sub(id, 1, 8) .. string.sub(id, 10, 13), 16))
    add('audit', id, table.concat({ '1', at, at, string.sub(member, 37) }, '|'))
  end
  if #entries > 0 then
    call('ZREMRANGEBYRANK', p .. 'audit', 0, #entries - 1)
    return ''
  end
  local found = call('SCAN', request.cursor == '' and '0' or request.cursor, 'MATCH', p .. 'doc:*', 'COUNT', request.limit)
  for _, key in ipairs(found[2]) do
    local kind, fields = string.sub(key, #p + 5), call('HGETALL', key)
    for i = 1, #fields, 2 do add(kind, fields[i], fields[i + 1]) end
    call('UNLINK', key)
  end
  return found[1]
end

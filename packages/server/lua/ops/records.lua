-- Records: the hash records:<kind> holds version|created|updated|body by key, the sorted set record_keys:<kind> the
-- keys in their order.
local call, cells, finish, int, log_event, p = require('common')

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
  for _, one in ipairs(change.claims) do
    -- The beginning of a record of job-bytes.lua.
    local record = cells.get('states', one[1])
    if not record then return false end
    local _, state, _, _, _, claim = struct.unpack('<BBBHI4I4', record)
    if state ~= 8 or claim ~= one[2] then return false end
  end
  return true
end

-- Ends jobs, inserts the job and writes the events; answers true, or the answer to a job that was refused.
local function work(change, now)
  local admission, transitions = require('admission'), require('transitions')
  for _, one in ipairs(change.ends) do transitions.apply(one.id and one or transitions.completed(one), now) end
  local inserted = change.job and admission.insert_always(admission.item(change.job), now)
  if inserted and inserted.kind ~= 'inserted' then return inserted end
  for _, entry in ipairs(change.events) do log_event(entry) end
  return true
end

-- Without `now` the changes have records only.
local function commit(changes, now)
  local out, claimed = {}, {}
  for _, change in ipairs(changes) do
    for _, one in ipairs(change.claims) do claimed[#claimed + 1] = one[1] end
  end
  cells.fetch('states', claimed, 1, #claimed)
  for i, change in ipairs(changes) do
    out[i] = fits(change)
    if out[i] and now then out[i] = work(change, now) end
    if out[i] == true then
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

-- { changes, now }: a change is { checks, claims, puts, deletes, ends, job, events }. A check is kind, key and version
-- as text, false for no record; a claim is the id of a job and the number; a put is kind, key and text. `now` is absent
-- where no change has ends, a job or events. Answers of each whether it has taken effect, or the answer to its job
-- where that was refused.
function adding.records_commit(request)
  local out = commit(request.changes, request.now)
  if request.now then finish(request.now) end
  return out
end

-- The same for changes that put nothing and have records only.
function changing.records_delete(request) return commit(request.changes) end

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
  local cursor = request.cursor == '' and '0' or request.cursor
  local found = call('SCAN', cursor, 'MATCH', p .. 'doc:*', 'COUNT', request.limit)
  for _, key in ipairs(found[2]) do
    local kind, fields = string.sub(key, #p + 5), call('HGETALL', key)
    for i = 1, #fields, 2 do add(kind, fields[i], fields[i + 1]) end
    call('UNLINK', key)
  end
  return found[1]
end

-- { limit }: brings crons of layout 5 (the set `crons`, the hashes c:<name>, the sorted set `crons:due`) into
-- records, some each time. Answers how many are left.
function adding.crons_adopt(request)
  local function add(kind, key, version, at, up, body)
    call('HSET', p .. 'records:' .. kind, key, table.concat({ version, at, up, body }, '|'))
    call('ZADD', p .. 'record_keys:' .. kind, 0, key)
  end
  for _, name in ipairs(call('SRANDMEMBER', p .. 'crons', request.limit)) do
    local v = call('HMGET', p .. 'c:' .. name, 'sp', 'en', 'due', 'rc', 'lr', 'lj', 'at', 'up', 'v')
    local body = string.format(
      '{"spec":%s,"enabled":%s,"dueAt":%s,"runCount":%s,"lastRunAt":%s,"lastJob":%s}',
      cjson.encode(v[1]), tostring(v[2] == '1'), v[3] == '' and 'null' or v[3], v[4], v[5] or 'null',
      v[6] and cjson.encode(v[6]) or 'null'
    )
    add('cron', name, v[9], v[7], v[8], body)
    if v[2] == '1' and v[3] ~= '' then
      add('cron_due', string.rep('0', 16 - #v[3]) .. v[3] .. name, v[9], v[7], v[8], 'null')
    end
    call('DEL', p .. 'c:' .. name)
    call('SREM', p .. 'crons', name)
  end
  call('DEL', p .. 'crons:due')
  return call('SCARD', p .. 'crons')
end

-- Crons: the hash c:<name> is the cron, the set `crons` has the names, the sorted set `crons:due` those that are
-- enabled and have a next firing, by its time.
local call, finish, int, log_event, p = require('common')
local admission = require('admission')
local jobs = require('jobs')
local transitions = require('transitions')

local function record(name)
  return call('HMGET', p .. 'c:' .. name, 'sp', 'en', 'due', 'rc', 'lr', 'lj', 'at', 'up', 'v')
end

local function schedule(name)
  local v = call('HMGET', p .. 'c:' .. name, 'en', 'due')
  if v[1] == '1' and v[2] ~= '' then call('ZADD', p .. 'crons:due', v[2], name)
  else call('ZREM', p .. 'crons:due', name) end
end

-- ARGV: all; or due, now, limit; or one, name. Answers name and record of each that is there.
function reading.cron_list()
  local names = {}
  if ARGV[1] == 'all' then names = call('SMEMBERS', p .. 'crons')
  elseif ARGV[1] == 'due' then names = call('ZRANGEBYSCORE', p .. 'crons:due', '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
  else names = { ARGV[2] } end
  local out = {}
  for _, name in ipairs(names) do
    local cron = record(name)
    if cron[9] then
      out[#out + 1] = name
      out[#out + 1] = cron
    end
  end
  return out
end

-- ARGV: now, name, spec, enabled ('1' or ''), due at ('' for never), expected version ('' for whatever is
-- there, 0 for none). Answers whether the cron was made, and its record; null where its version is another one.
function adding.cron_put()
  local now, name, due = ARGV[1], ARGV[2], ARGV[5]
  local cron = p .. 'c:' .. name
  local version = call('HGET', cron, 'v')
  if ARGV[6] ~= '' and ARGV[6] ~= (version or '0') then return false end
  if not version then call('HSET', cron, 'rc', 0, 'at', now) end
  call('HSET', cron, 'sp', ARGV[3], 'en', ARGV[4], 'due', due, 'up', now)
  call('HINCRBY', cron, 'v', version and 1 or now)
  call('SADD', p .. 'crons', name)
  schedule(name)
  return { version and 0 or 1, record(name) }
end

-- ARGV: name. Answers the record that was there, or null.
function changing.cron_remove()
  local cron = record(ARGV[1])
  call('DEL', p .. 'c:' .. ARGV[1])
  call('SREM', p .. 'crons', ARGV[1])
  call('ZREM', p .. 'crons:due', ARGV[1])
  return cron[9] and cron
end

-- { names, limit }; answers a list of jobs of each.
function reading.cron_unfinished(request)
  local out = {}
  for i, name in ipairs(request.names) do
    out[i] = {}
    for _, ref in ipairs(call('ZRANGE', p .. 'cron:' .. name, 0, request.limit - 1)) do
      out[i][#out[i] + 1] = jobs.full(jobs.id(ref))
    end
  end
  return out
end

-- { now, firings }; a firing is { name, version, due ('' for never), cancels, job, events }. Answers of
-- each the answer to its insert in a list, which is empty where it has no job; false where another server fired.
function adding.cron_fire(request)
  local now = request.now
  local out = {}
  for i, firing in ipairs(request.firings) do
    local cron = p .. 'c:' .. firing.name
    out[i] = false
    if call('HGET', cron, 'v') == int(firing.version) then
      for _, transition in ipairs(firing.cancels) do transitions.apply(transition, now) end
      local inserted = firing.job and admission.insert_always(admission.item(firing.job), now)
      if not inserted or inserted.kind ~= 'duplicate' then
        for _, entry in ipairs(firing.events) do log_event(entry) end
      end
      if inserted and inserted.kind == 'inserted' then
        call('HINCRBY', cron, 'rc', 1)
        call('HSET', cron, 'lr', int(now), 'lj', firing.job[1])
      end
      call('HSET', cron, 'due', firing.due)
      call('HINCRBY', cron, 'v', 1)
      schedule(firing.name)
      out[i] = { inserted or nil }
    end
  end
  finish(now)
  return out
end

-- The reads of a dump.
local call, p, store, unpacked = require('common')
local jobs = require('jobs')
local limit_groups = require('limit-groups')
local limits = require('limits')
local workflows = require('workflows')

-- A cursor; answers the next one ('0' at the end) and names of keys of the namespace. A key that is there
-- all the time is answered, maybe more than once.
function reading.dump_scan(cursor)
  local found = call('SCAN', cursor, 'MATCH', p .. '*', 'COUNT', 1000)
  local names = {}
  for i, key in ipairs(found[2]) do names[i] = string.sub(key, #p + 1) end
  return { found[1], names }
end

-- Answers the key of the leases, seed, position, last start, how many jobs and how many workflows were
-- made.
function reading.dump_store(_)
  return {
    call('HGET', p .. 'layout', 'leases'), tonumber(call('HGET', p .. 'layout', 'seed') or 0), store.get('position'),
    store.get('start'), store.get('number'),
    tonumber(call('GET', p .. 'flows:number') or 0),
  }
end

-- The job itself, its number, and its place while it is available.
local function take_job(out, id)
  local full, job = jobs.full(id), jobs.read(id)
  if not full then return end
  local place = false
  if job.state == 2 then
    local ready = limit_groups.ready_key(job.queue, limit_groups.of(job))
    local rank = call('ZSCORE', ready, string.format('%016d', job.number) .. id)
    -- A torn append-only file may have lost the job from its queue: the restore puts it back.
    place = rank and tonumber(rank) - (100 - job.priority) * 17592186044416 or 0
  end
  out[#out + 1] = { full, job.number, place }
end

-- A cursor; answers the next one ('0' at the end) and ids of jobs. A job that is there all the time is
-- answered, maybe more than once.
function reading.dump_ids(cursor)
  local found = call('HSCAN', p .. 'jobs', cursor, 'COUNT', 1000)
  local ids = {}
  for i = 1, #found[2], 2 do ids[#ids + 1] = found[2][i] end
  return { found[1], ids }
end

-- { ids } or { flow }; answers each job that is there. With { flow } it also answers the workflow's record,
-- its number, all fields of its nodes, and the indexes of those that are ready; false if the workflow is gone.
function reading.dump_jobs(request)
  local out = {}
  if request.ids then
    for _, id in ipairs(request.ids) do take_job(out, id) end
    return out
  end
  local number = call('HGET', p .. 'f:' .. request.flow, 'no')
  if not number then return false end
  local nodes = call('HGETALL', p .. 'n:' .. request.flow)
  for i = 1, #nodes, 2 do
    local id = string.find(nodes[i], '^%d') and string.match(nodes[i + 1], '^%d|([^|]*)|')
    if id and id ~= '' then take_job(out, id) end
  end
  return { workflows.record(request.flow), tonumber(number), nodes, out,
    call('ZRANGE', p .. 'nr:' .. request.flow, 0, -1) }
end

-- { after, limit }; answers the records behind the key, each with the time of its last use, and all starts
-- that are kept.
function reading.dump_limits(request)
  local out = {}
  local from = request.after and '(' .. request.after or '-'
  for i, key in ipairs(call('ZRANGEBYLEX', p .. 'limit:names', from, '+', 'LIMIT', 0, request.limit)) do
    local row = limits.find(key)
    out[i] = { key, row.own, row.override or false, row.usedAt, call('LRANGE', p .. 'starts:' .. key, 0, -1) }
  end
  return out
end

-- A cursor; answers the next one ('0' at the end), and of each request its key, its time, and id and claim
-- of its jobs.
function reading.dump_requests(cursor)
  local found = call('HSCAN', p .. 'requests', cursor, 'COUNT', 500)
  local out = {}
  for i = 1, #found[2], 2 do
    local known = unpacked(found[2][i + 1])
    out[#out + 1] = { found[2][i], known.at, known.claims }
  end
  return { found[1], out }
end

-- Short paths of plain jobs. A plain job has no rare members except a unique key, limits or a node, and its state is
-- the one that the path expects. They do what `jobs.enter`, `transitions` and `admission` do, without a table of the
-- job. A path ends before the first job that is not plain and writes nothing of it; the caller takes the long way
-- for that one. Jobs that were made together have the same first bytes, and jobs that a claim started together have the
-- same record, so the script reads these once. This file has the parts that the paths share; plain-insert, plain-start
-- and plain-complete have one path each.
local p, plain_scores, unpacked, write_pending = require('common')
local log = require('event-log')
local queues = require('queues')

-- The format of the constant bytes: state, flags, priority, creation, timeout, visibility, type, queue, trace.
local constant = '<xBBdxxxxxxxxddxxxxxxxxdHc0Hc0I4c0'
-- The record of a first execution: state, flags, members, attempt, claim; entry into available, start, length and
-- end of the lease, worker.
local active, active_mask = '<BBBHI4I4ddddHc0', 4 + 8 + 16 + 32 + 512

-- The rows of the queues that a script uses.
local known_queues = {}
local function queue_of(name, now)
  local one = known_queues[name]
  if not one then
    one = { row = queues.make(name, now) }
    queues.touched(name)
    known_queues[name] = one
  end
  return one
end

-- The same; false where a limit of the queue counts its executions.
local function unlimited(name, now) return not queues.is_limited(name) and queue_of(name, now) end

local kind = { size = 1 }
local function kind_of(bytes)
  if string.sub(bytes, 1, kind.size) == kind.start then return kind end
  local state, flags, priority, created, timeout, visibility, type, name, trace = struct.unpack(constant, bytes)
  local size = 59 + #type + #name + #trace
  kind = {
    start = string.sub(bytes, 1, size), size = size, state = state, flags = flags % 4, rare = flags > 3,
    keyed = bit.band(flags, 8) ~= 0, limited = bit.band(flags, 16) ~= 0, is_node = bit.band(flags, 32) ~= 0,
    priority = priority, created = created,
    timeout = timeout, visibility = visibility, type = type, name = name, trace = flags % 2 == 1 and trace or nil,
  }
  kind.is_short = not kind.rare or kind.keyed or kind.limited or kind.is_node
  return kind
end

local function count(list, name, by) list[name] = (list[name] or 0) + by end

-- The arguments of commands for a set, after what other paths have gathered for it.
local function scores(key)
  local one = plain_scores[key]
  if not one then
    write_pending(key)
    one = { add = {}, remove = {} }
    plain_scores[key] = one
  end
  return one
end

-- The rare members of a job.
local function rare_of(bytes, of) return (struct.unpack('<I4c0', bytes, of.size + 1)) end

-- The keys under which a limited job is counted, beside its queue.
local keys_of_rare = {}
local function limit_keys(bytes, of)
  local rare = rare_of(bytes, of)
  local keys = keys_of_rare[rare]
  if not keys then
    local limit_groups = require('limit-groups')
    keys = limit_groups.keys(limit_groups.of(unpacked(rare)))
    keys_of_rare[rare] = keys
  end
  return keys
end

local function holders_in(state, key) return p .. 'u:' .. state .. ':' .. key end

-- The node that a job is, where that is its only rare member: the workflow and the index, a text.
local function node_in(rare)
  local index, workflow = string.match(rare, '^(%d+)|(.*)$')
  return workflow, index
end

local function node_of(bytes, of) return node_in(rare_of(bytes, of)) end

-- A job that holds a unique key changes its state.
local function move_holder(bytes, of, ref, from, to)
  local key = rare_of(bytes, of)
  local left, entered = scores(holders_in(from, key)).remove, scores(holders_in(to, key)).add
  left[#left + 1] = ref
  entered[#entered + 1] = of.created
  entered[#entered + 1] = ref
end

-- The events of jobs that differ in nothing but their ids.
local function log_run(event, from, job, ids, n)
  job.id = ids[1]
  log.job(event, job, from)
  log.more(ids, 2, n)
end

#!lua flags=no-writes
-- With jobs.
-- Packed { ids } or { flow }; answers of each job that is there itself, its number, and its place while it is
-- available. Of a workflow besides: its record, its number, and all that is kept of its nodes; false where it is gone.
local request = unpacked(ARGV[1])

local function add(out, id)
  local full, job = jobs.full(id), jobs.read(id)
  if not full then return end
  local place = false
  if job.state == 2 then
    local rank = call('ZSCORE', lanes.ready(job.queue, lanes.of(job)), string.format('%012d', job.number) .. id)
    place = tonumber(rank) - (100 - job.priority) * 17592186044416
  end
  out[#out + 1] = { full, job.number, place }
end

local out = {}
if request.ids then
  for _, id in ipairs(request.ids) do add(out, id) end
  return pack(out)
end
local flow = p .. 'f:' .. request.flow
local number = call('HGET', flow, 'no')
if not number then return pack(false) end
local nodes = call('HGETALL', p .. 'n:' .. request.flow)
for i = 1, #nodes, 2 do
  local id = string.find(nodes[i], '^%d') and string.match(nodes[i + 1], '^%d|([^|]*)|')
  if id and id ~= '' then add(out, id) end
end
return pack({ graph.record(request.flow), tonumber(number), nodes, out })

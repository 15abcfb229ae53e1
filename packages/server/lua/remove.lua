#!lua flags=allow-oom
-- With changes.
-- Packed { now, ids, from, deadLetter }; answers whether each was there.
local request = unpacked(ARGV[1])
local out = {}
for i, id in ipairs(request.ids) do
  local job = jobs.read(id)
  local there = job ~= nil and bit.band(job.state, request.from) ~= 0 and (not request.deadLetter or job.deadLetter == true)
  if there then
    local result = job.node and jobs.text(job, 'result')
    jobs.drop(job, request.now)
    changes.close_node(job, result, request.now)
  end
  out[i] = there
end
finish(request.now)
return pack(out)

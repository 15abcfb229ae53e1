#!lua flags=allow-oom
-- With jobs.
-- Packed { now, name, paused, entry }; answers name, row, settings.
local request = unpacked(ARGV[1])
local row = queues.make(request.name, request.now)
if (row.paused == true) ~= request.paused then
  row.paused = request.paused or nil
  queues.touched(request.name)
  tell(request.entry)
  if not request.paused then wake(request.name) end
end
finish(request.now)
return pack({ request.name, row, call('HGET', p .. 'configs', request.name) })

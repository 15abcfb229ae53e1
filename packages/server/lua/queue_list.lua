#!lua flags=no-writes
-- With common.
-- Answers name, row, settings of each queue.
local out, rows = {}, call('HGETALL', p .. 'queues')
for i = 1, #rows, 2 do out[#out + 1] = { rows[i], unpacked(rows[i + 1]), call('HGET', p .. 'configs', rows[i]) } end
return pack(out)

#!lua flags=no-writes
-- With common.
-- Packed { after, limit, look }: active jobs with a worker by number; looks at up to `look` jobs. Answers { id, claim,
-- worker, startedAt } of each, and the number of the last that was looked at where more follow.
local request = unpacked(ARGV[1])
local found, from = {}, request.after
local refs = call('ZRANGEBYSCORE', p .. 's:8', '(' .. int(from), '+inf', 'WITHSCORES', 'LIMIT', 0, request.look)
for i = 1, #refs, 2 do
  local row = call('HGET', p .. 'j:' .. string.sub(refs[i], -36), 'j')
  local job = row and unpacked(row)
  if job and job.worker then
    if #found == request.limit then return pack({ found, from }) end
    found[#found + 1] = { job.id, job.claim, job.worker, job.startedAt }
  end
  from = tonumber(refs[i + 1])
end
return pack({ found, #refs == 2 * request.look and from })

#!lua flags=no-writes
-- With crons.
-- ARGV: all; or due, now, limit; or one, name. Answers name and record of each that is there.
local names = {}
if ARGV[1] == 'all' then names = call('SMEMBERS', p .. 'crons')
elseif ARGV[1] == 'due' then names = call('ZRANGEBYSCORE', p .. 'crons:due', '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
else names = { ARGV[2] } end
local out = {}
for _, name in ipairs(names) do
  local cron = crons.record(name)
  if cron[9] then
    out[#out + 1] = name
    out[#out + 1] = cron
  end
end
return out

-- KEYS: prefix. ARGV: now, then id, from, claim ('' when unknown), to of each. Answers flat: kind, was, ready.
local p, now = KEYS[1], ARGV[1]
local out, moved = {}, {}
for n = 2, #ARGV, 4 do
  local id, from, claim, to = ARGV[n], tonumber(ARGV[n + 1]), ARGV[n + 2], tonumber(ARGV[n + 3])
  local v = redis.call('HMGET', p .. 'j:' .. id, 's', 'c')
  local ready, kind = {}, 'moved'
  if not v[1] then
    kind = 'missing'
  elseif bit.band(from, tonumber(v[1])) == 0 or (claim ~= '' and claim ~= v[2]) then
    kind = (tonumber(v[1]) == to and claim == v[2]) and 'already' or 'refused'
  else
    close(p, id, to, ready)
    moved[#moved + 1] = id
  end
  out[#out + 1] = kind
  out[#out + 1] = tonumber(v[1]) or 0
  out[#out + 1] = table.concat(ready, ',')
end
log(p, now, 'moved', moved)
return out

-- What the scripts of crons share.
local crons = {}
do
  function crons.record(name)
    return call('HMGET', p .. 'c:' .. name, 'sp', 'en', 'due', 'rc', 'lr', 'lj', 'at', 'up', 'v')
  end

  function crons.schedule(name)
    local v = call('HMGET', p .. 'c:' .. name, 'en', 'due')
    if v[1] == '1' and v[2] ~= '' then call('ZADD', p .. 'crons:due', v[2], name)
    else call('ZREM', p .. 'crons:due', name) end
  end
end

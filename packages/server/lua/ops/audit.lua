-- The audit log: the sorted set `audit` with ids and entries in one member each, in the order of the ids.

-- With common. ARGV: the members.
function adding.audit_append()
  for i = 1, #ARGV do
    local id = string.sub(ARGV[i], 1, 36)
    if #call('ZRANGEBYLEX', p .. 'audit', '[' .. id, '[' .. id .. '\255', 'LIMIT', 0, 1) == 0 then
      call('ZADD', p .. 'audit', 0, ARGV[i])
    end
  end
  return #ARGV
end

-- With common. ARGV: an upper bound, the most entries. Answers members, the newest first.
function reading.audit_read()
  return call('ZREVRANGEBYLEX', p .. 'audit', ARGV[1], '-', 'LIMIT', 0, ARGV[2])
end

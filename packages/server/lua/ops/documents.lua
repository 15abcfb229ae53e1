-- Documents: the hash doc:<kind> holds version|created|updated|body by key.

-- With common. ARGV: kind, key. Answers the document, or null.
function reading.document_get()
  return call('HGET', p .. 'doc:' .. ARGV[1], ARGV[2])
end

-- With common. ARGV: kind. Answers key and document of each.
function reading.document_list()
  return call('HGETALL', p .. 'doc:' .. ARGV[1])
end

-- With common. ARGV: kind, key, body, expected version ('' for a new document, 'any' for whatever is there), now.
-- Answers the document; null where its version is another one.
function adding.document_put()
  local documents = p .. 'doc:' .. ARGV[1]
  local known = call('HGET', documents, ARGV[2])
  local version, created = 0, ARGV[5]
  if known then
    local v, at = string.match(known, '^(%d+)|(%-?%d+)')
    version, created = tonumber(v), at
  end
  if ARGV[4] ~= 'any' and ARGV[4] ~= (known and int(version) or '') then return false end
  local document = table.concat({ int(version + 1), created, ARGV[5], ARGV[3] }, '|')
  call('HSET', documents, ARGV[2], document)
  return document
end

-- With common. ARGV: kind, key. Answers whether the document was there.
function changing.document_remove()
  return call('HDEL', p .. 'doc:' .. ARGV[1], ARGV[2])
end

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

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

#!lua flags=no-writes
-- With common.
-- ARGV: kind, key. Answers the document, or null.
return call('HGET', p .. 'doc:' .. ARGV[1], ARGV[2])

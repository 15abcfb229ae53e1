#!lua flags=no-writes
-- With graph.
-- ARGV: id. Answers the record, or null.
return call('EXISTS', p .. 'f:' .. ARGV[1]) == 1 and graph.record(ARGV[1])

#!lua flags=allow-oom
-- With graph.
-- ARGV: id.
graph.swept(ARGV[1])
return 1

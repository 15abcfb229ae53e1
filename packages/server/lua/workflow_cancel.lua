#!lua flags=allow-oom
-- With graph.
-- ARGV: now, id, events. Answers whether the workflow was running.
if not graph.cancel(ARGV[2], ARGV[1]) then return 0 end
for i = 3, #ARGV do tell(ARGV[i]) end
finish(ARGV[1])
return 1

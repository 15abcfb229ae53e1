#!lua flags=no-writes
-- With jobs.
-- Packed key; answers its record or false.
return pack(limits.record(unpacked(ARGV[1])))

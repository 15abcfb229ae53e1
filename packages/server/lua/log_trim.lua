#!lua flags=allow-oom
-- With common.
-- Packed position: removes the batches up to it, which another namespace has taken.
local upto = unpacked(ARGV[1])
local gone, texts = {}, {}
for i, batch in ipairs(call('ZRANGEBYSCORE', p .. 'log', '-inf', int(upto))) do
  local count, position = string.match(batch, '^%-?%d+:(%d+):(%d+)$')
  if tonumber(position) + tonumber(count) - 1 > upto then break end
  gone[i], texts[i] = batch, position
end
if #gone > 0 then
  in_pieces('ZREM', p .. 'log', gone)
  in_pieces('HDEL', p .. 'entries', texts)
end
return pack(true)

-- A queue of recent things as the log has it; gives 0 if what is there is newer than what was read.
-- KEYS: the queue. ARGV: the newest number, when its reading began (ms), lifetime (s), the items.
local last = redis.call('LINDEX', KEYS[1], -1)
if last then
    local at = tonumber(string.match(last, '^{"%a+":(%d+)'))
    local made_at = string.match(last, '^{"%a+":%d+,"made_at":(%d+),"mark"')
    if at > tonumber(ARGV[1]) or (made_at and tonumber(made_at) >= tonumber(ARGV[2])) then return 0 end
    if at == tonumber(ARGV[1]) and not made_at then return 2 end
end
redis.call('UNLINK', KEYS[1])
for i = 4, #ARGV do
    redis.call('RPUSH', KEYS[1], ARGV[i])
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1

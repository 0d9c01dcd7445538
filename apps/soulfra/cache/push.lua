-- The next of a queue of recent things. A queue has no gap: if one would come to be, the queue goes,
-- a mark of the newest stays, and who asks fills it from the log. Gives 1 if pushed, else 0.
-- KEYS: the queue. ARGV: number, item, whether numbers follow one another, lifetime (s), how many
-- are kept, now (ms), a mark's lifetime (s).
local last = redis.call('LINDEX', KEYS[1], -1)
local at, is_mark = nil, false
if last then
    at = tonumber(string.match(last, '^{"%a+":(%d+)'))
    is_mark = string.find(last, '^{"%a+":%d+,"made_at":%d+,"mark"') ~= nil
    if at >= tonumber(ARGV[1]) then return 0 end
end
local follows = ARGV[3] == '1'
local begins = follows and ARGV[1] == '1'
if begins or (last and not is_mark and (not follows or at == tonumber(ARGV[1]) - 1)) then
    redis.call('RPUSH', KEYS[1], ARGV[2])
    redis.call('LTRIM', KEYS[1], -tonumber(ARGV[5]), -1)
    redis.call('EXPIRE', KEYS[1], ARGV[4])
    return 1
end
redis.call('UNLINK', KEYS[1])
redis.call('RPUSH', KEYS[1], '{"at":' .. ARGV[1] .. ',"made_at":' .. ARGV[6] .. ',"mark":true}')
redis.call('EXPIRE', KEYS[1], ARGV[7])
return 0

-- What is kept of somebody goes, and nothing that was read before now may be put back.
-- KEYS: values, then queues, then the rest. ARGV: how many values, how many queues, a mark's
-- lifetime (s), now (ms). Gives how many were there.
local values, queues = tonumber(ARGV[1]), tonumber(ARGV[2])
local gone = 0
for i = 1, #KEYS do
    gone = gone + redis.call('UNLINK', KEYS[i])
    if i <= values then
        redis.call('SET', KEYS[i], '{"version":0,"made_at":' .. ARGV[4] .. ',"mark":true}', 'EX', ARGV[3])
    elseif i <= values + queues then
        redis.call('RPUSH', KEYS[i], '{"at":0,"made_at":' .. ARGV[4] .. ',"mark":true}')
        redis.call('EXPIRE', KEYS[i], ARGV[3])
    end
end
return gone

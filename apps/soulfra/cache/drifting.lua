-- KEYS: the index, the set, the rating of each member. ARGV: lifetime in s, the index, then a member
-- and its rating for each.
local lifetime = tonumber(ARGV[1])
redis.call('SET', KEYS[1], ARGV[2], 'EX', lifetime)
redis.call('UNLINK', KEYS[2])
for n = 3, #KEYS do
    local at = 3 + (n - 3) * 2
    redis.call('SADD', KEYS[2], ARGV[at])
    redis.call('SET', KEYS[n], ARGV[at + 1], 'EX', lifetime)
end
if #KEYS > 2 then
    redis.call('EXPIRE', KEYS[2], lifetime)
end
return #KEYS - 2

-- What has changed is forgotten, and a mark stays that keeps older readers from putting it back.
-- KEYS: keys to mark, then keys to drop. ARGV: how many to mark, a mark's lifetime (s), now (ms),
-- then the version of each that is marked.
local count = tonumber(ARGV[1])
for i = 1, count do
    local said = redis.call('GET', KEYS[i])
    local version = said and tonumber(string.match(said, '^{"version":(%d+)'))
    if not version or version < tonumber(ARGV[i + 3]) then
        local mark = '{"version":' .. ARGV[i + 3] .. ',"made_at":' .. ARGV[3] .. ',"mark":true}'
        redis.call('SET', KEYS[i], mark, 'EX', ARGV[2])
    end
end
for i = count + 1, #KEYS do
    redis.call('UNLINK', KEYS[i])
end
return count

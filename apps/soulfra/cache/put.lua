-- An older value never takes the place of a newer one: gives 1 if put, 0 if older, 2 if not to be kept.
-- KEYS: the key, the key that tells how new it must be (often the same), who reads.
-- ARGV: version, when its reading began (ms), the value or nothing, its lifetime (s), who reads.
local function of(key)
    local said = redis.call('GET', key)
    if not said then return nil end
    local version, made_at = string.match(said, '^{"version":(%d+),"made_at":(%d+)')
    return tonumber(version), tonumber(made_at), string.find(said, '^{"version":%d+,"made_at":%d+,"mark"')
end

local is_older = false
for i = 1, 2 do
    if i == 1 or KEYS[2] ~= KEYS[1] then
        local version, made_at, is_mark = of(KEYS[i])
        if version and (version > tonumber(ARGV[1]) or (is_mark and made_at >= tonumber(ARGV[2]))) then
            is_older = true
        elseif version and i == 1 and version == tonumber(ARGV[1]) and made_at > tonumber(ARGV[2]) then
            ARGV[3] = ''
        end
    end
end
if redis.call('GET', KEYS[3]) == ARGV[5] then redis.call('UNLINK', KEYS[3]) end
if is_older then return 0 end
if ARGV[3] == '' then return 2 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
return 1

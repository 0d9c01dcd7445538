-- The value if it is there; else 1 if it is ours to read it from Postgres, 0 if somebody does.
-- KEYS: the key, who reads. ARGV: who we are, for how long (s), what is not younger is wrong (ms).
local said = redis.call('GET', KEYS[1])
local made_at = said and tonumber(string.match(said, '^{"version":%d+,"made_at":(%d+),"changed_at"'))
if made_at and made_at > tonumber(ARGV[3]) then return said end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2]) then return 1 end
return 0

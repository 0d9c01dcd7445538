-- A lock that nobody has: gives the holder's number, or nothing when somebody has it.
-- KEYS: the lock, its fence. ARGV: the holder, for how many seconds, the fence's lifetime.
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then
    return false
end
-- INCR would begin at 1 again after a wipe; the clock does not.
local clock = redis.call('TIME')
local last = tonumber(redis.call('GET', KEYS[2]) or 0)
local number = math.max(last + 1, clock[1] * 1000000 + clock[2])
redis.call('SET', KEYS[2], string.format('%.0f', number), 'EX', ARGV[3])
return number

-- One call of an agent, or 0 of it: gives the milliseconds until it may call, 0 when it just did.
-- KEYS: its calls, the newest last. ARGV: for each rate its calls and its seconds.
-- What was refused is not counted, so that who waits as told gets in.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local newest = tonumber(redis.call('LINDEX', KEYS[1], -1) or 0)
if newest > now + 60000 then
    redis.call('DEL', KEYS[1]) -- somebody set the clock back: those calls will never grow old
elseif newest > now then
    now = newest
end
local wait, most, longest = 0, 0, 0
for i = 1, #ARGV, 2 do
    local calls, span = tonumber(ARGV[i]), ARGV[i + 1] * 1000
    local oldest = redis.call('LINDEX', KEYS[1], -calls)
    if oldest then
        wait = math.max(wait, oldest + span - now)
    end
    most, longest = math.max(most, calls), math.max(longest, span)
end
if wait > 0 then
    return wait
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], -most, -1)
redis.call('EXPIRE', KEYS[1], longest / 1000)
return 0

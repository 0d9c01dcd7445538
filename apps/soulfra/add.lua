-- Add events to the streams and note how far that goes, in one step.
-- Keys: the note, then the streams. Words: seconds to live, entries to keep, the names of the
-- streams in the note (as many as streams), place and recorded_at of the last event that was
-- looked at; then for each event: which stream, its id, type, recorded_at, data.
-- Answers: how many were there already; or the id of one that is not, though later ones are.
local seconds, entries, streams = ARGV[1], ARGV[2], #KEYS - 1
local at = 2 + streams
local there = 0

for n = at + 3, #ARGV, 5 do
    local key, id = KEYS[1 + tonumber(ARGV[n])], ARGV[n + 1]
    local added = redis.pcall('XADD', key, 'MAXLEN', '~', entries, id, 'type', ARGV[n + 2],
                              'recorded_at', ARGV[n + 3], 'data', ARGV[n + 4])
    if added.err then
        if not string.find(added.err, 'equal or smaller') then return added end
        -- It is there, or so old that it was trimmed: then nothing is before it.
        if #redis.call('XRANGE', key, id, id) == 0
           and #redis.call('XRANGE', key, '-', id, 'COUNT', 1) > 0 then
            return id
        end
        there = there + 1
    end
end

local note = {'place', ARGV[at + 1], 'recorded_at', ARGV[at + 2]}
for n = 1, streams do
    local info = redis.pcall('XINFO', 'STREAM', KEYS[1 + n])
    note[#note + 1] = ARGV[2 + n]
    note[#note + 1] = '0-0'
    for f = 1, #info, 2 do
        if info[f] == 'last-generated-id' then note[#note] = info[f + 1] end
    end
end
redis.call('HSET', KEYS[1], unpack(note))
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, seconds) end
return there

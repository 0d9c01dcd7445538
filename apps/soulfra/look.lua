-- What the streams hold, and what was noted of them, at one moment.
-- Keys: the note, then the streams. Words: the fields of the note.
-- Answers: the note's values, then the last id of each stream; 0-0 of one that is not there.
local said = redis.call('HMGET', KEYS[1], unpack(ARGV))
for n = 2, #KEYS do
    local info = redis.pcall('XINFO', 'STREAM', KEYS[n])
    local last = '0-0'
    if info.err then
        if not string.find(info.err, 'no such key') then return info end
    else
        for f = 1, #info, 2 do
            if info[f] == 'last-generated-id' then last = info[f + 1] end
        end
    end
    said[#said + 1] = last
end
return said

-- What a consumer of a group is to handle next, found and taken in one step, or why nothing is.
-- Keys: the stream. Words: group, consumer, how many, milliseconds after which what another one
-- holds is taken from it, and the two ids between which the group is known to have missed nothing:
-- the last one that it was given, and the first one of the stream.
-- Answers: trimmed, ids | held, entries, ids and how often each was given | gap, last, first |
--          new, entries | none
local key, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local count, idle = ARGV[3], ARGV[4]

local function is_trimmed(id) return #redis.call('XRANGE', key, '-', id, 'COUNT', 1) == 0 end

local waiting = redis.call('XPENDING', key, group, 'IDLE', idle, '-', '+', count)
if #waiting > 0 then
    local trimmed, given = {}, {}
    for _, one in ipairs(waiting) do
        if is_trimmed(one[1]) then trimmed[#trimmed + 1] = one[1] end
        given[#given + 1] = one[1]
        given[#given + 1] = one[4]
    end
    -- To claim what is not in the stream any more would forget it.
    if #trimmed > 0 then return {'trimmed', trimmed} end
    local claimed = redis.call('XAUTOCLAIM', key, group, consumer, idle, waiting[1][1],
                               'COUNT', count)
    return {'held', claimed[2], given}
end

local last
for _, told in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local fields = {}
    for n = 1, #told, 2 do fields[told[n]] = told[n + 1] end
    if fields['name'] == group then last = fields['last-delivered-id'] end
end
local begin = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
local is_known = begin and last == ARGV[5] and begin[1] == ARGV[6]
if begin and not is_known and is_trimmed(last) then return {'gap', last, begin[1]} end
local found = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', key, '>')
if not found then return {'none'} end
return {'new', found[1][2]}

-- What a consumer of a group is to handle next, found and taken in one step, or why nothing is.
-- Keys: the stream. Words: group, consumer, how many, milliseconds after which what another one
-- holds is taken from it, and the id up to which the group is known to have missed nothing.
-- Answers: trimmed, ids | held, entries, ids and how often each was given | gap, last, first |
--          new, entries | none
local key, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local count, idle, known = ARGV[3], ARGV[4], ARGV[5]

local function is_before(one, other)
    local a, b = {}, {}
    for number in string.gmatch(one, '%d+') do a[#a + 1] = number end
    for number in string.gmatch(other, '%d+') do b[#b + 1] = number end
    for n = 1, 2 do
        if #a[n] ~= #b[n] then return #a[n] < #b[n] end
        if a[n] ~= b[n] then return a[n] < b[n] end
    end
    return false
end

local begin = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)
local first = begin[1] and begin[1][1]

local waiting = redis.call('XPENDING', key, group, 'IDLE', idle, '-', '+', count)
if #waiting > 0 then
    local trimmed, given = {}, {}
    for _, one in ipairs(waiting) do
        if not first or is_before(one[1], first) then
            trimmed[#trimmed + 1] = one[1]
        end
        given[#given + 1] = one[1]
        given[#given + 1] = one[4]
    end
    -- To claim what is not in the stream would forget it.
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
if first and last ~= known and is_before(last, first) then return {'gap', last, first} end
local found = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', key, '>')
if not found then return {'none'} end
return {'new', found[1][2]}

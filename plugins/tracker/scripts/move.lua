-- Moves drivers to where they were last: never back in time, so events may come twice and in any order.
-- KEYS: positions, seen. ARGV: for each event driver, time (us), longitude, latitude.
local moved = 0
for i = 1, #ARGV, 4 do
    local seen = redis.call('ZSCORE', KEYS[2], ARGV[i])
    if not seen or tonumber(seen) < tonumber(ARGV[i + 1]) then
        redis.call('GEOADD', KEYS[1], ARGV[i + 2], ARGV[i + 3], ARGV[i])
        redis.call('ZADD', KEYS[2], ARGV[i + 1], ARGV[i])
        moved = moved + 1
    end
end
return moved

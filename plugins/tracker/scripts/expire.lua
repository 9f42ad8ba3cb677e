-- Forgets drivers that were not heard of since a time.
-- KEYS: positions, seen. ARGV: the time (us), how many at most.
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
if #old > 0 then
    redis.call('ZREM', KEYS[1], unpack(old))
    redis.call('ZREM', KEYS[2], unpack(old))
end
return #old

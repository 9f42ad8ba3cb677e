-- What must hold besides invariants.sql once all events were consumed. Same usage.
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- Every finished ride that costs something was charged once.
SELECT 'finished_not_charged', o.order_id, o.price_minor, count(j.journal_id)
FROM "order".orders o LEFT JOIN wallet.journal j ON j.kind = 3 AND j.reference = o.order_id::text
WHERE o.status = 4 AND o.price_minor > 0
GROUP BY o.order_id HAVING count(j.journal_id) <> 1;

-- A driver of a finished ride is free, one on a ride is not, and both services name the same driver.
SELECT 'reservation_state', o.order_id, o.status, o.driver_id, r.driver_id, r.status
FROM "order".orders o LEFT JOIN dispatch.reservation r
    ON r.ride_id = o.order_id AND r.status IN (1, 2, 3)
WHERE o.status IN (2, 3) AND (r.status IS DISTINCT FROM 2 OR r.driver_id <> o.driver_id)
    OR o.status = 4 AND (r.status IS DISTINCT FROM 3 OR r.driver_id <> o.driver_id);

COMMIT;

-- compatible_since: 0.1.0
-- Which driver serves which ride (a ride is an order). States: 1 RESERVED, 2 CONFIRMED, 3 RELEASED,
-- 4 EXPIRED.
CREATE TABLE reservation (
    reservation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ride_id uuid NOT NULL,
    passenger_id text NOT NULL,
    driver_id text NOT NULL,
    distance_km float8 NOT NULL,
    status smallint NOT NULL CONSTRAINT reservation_status CHECK (status BETWEEN 1 AND 4),
    reserved_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT reservation_end CHECK ((status IN (3, 4)) = (ended_at IS NOT NULL))
) WITH (fillfactor = 70);

-- A driver serves one ride at a time.
CREATE UNIQUE INDEX reservation_driver ON reservation (driver_id) WHERE status IN (1, 2);
-- A ride has one driver; only an expired reservation makes room for another.
CREATE UNIQUE INDEX reservation_ride ON reservation (ride_id) WHERE status IN (1, 2, 3);
-- What the sweeper looks through.
CREATE INDEX reservation_lease ON reservation (lease_until) WHERE status = 1;

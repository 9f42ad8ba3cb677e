-- compatible_since: 0.1.0
-- Orders and their history. The numbers of states are those of atlas.order.v1.OrderStatus.
CREATE TABLE orders (
    order_id uuid PRIMARY KEY,
    passenger_id text NOT NULL,
    driver_id text,
    vehicle_type text,
    pickup_lat float8 NOT NULL,
    pickup_long float8 NOT NULL,
    dropoff_lat float8 NOT NULL,
    dropoff_long float8 NOT NULL,
    status smallint NOT NULL,
    price_minor bigint NOT NULL CONSTRAINT orders_price CHECK (price_minor >= 0),
    currency text NOT NULL,
    version int NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT orders_driver CHECK ((status = 1) = (driver_id IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX orders_passenger ON orders (passenger_id, created_at DESC, order_id DESC);

-- A driver is on one ride at a time (MATCHED, STARTED), whatever the code or another service does.
CREATE UNIQUE INDEX orders_driver_busy ON orders (driver_id) WHERE status IN (2, 3);

-- The state machine as data: what is not in here cannot be written into the history, and no state is
-- changed without its line of history.
CREATE TABLE order_transition (
    from_status smallint NOT NULL,
    to_status smallint NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
INSERT INTO order_transition VALUES (0, 1), (1, 2), (2, 3), (3, 4);

CREATE TABLE order_change (
    order_id uuid NOT NULL REFERENCES orders,
    version int NOT NULL,
    from_status smallint NOT NULL,
    to_status smallint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, version),
    CONSTRAINT order_change_is_legal FOREIGN KEY (from_status, to_status) REFERENCES order_transition
);

# One ride by curl, printed by `tools/dev up`, shown in README.md and run by the tests.

# A driver says where she is; the reply comes when Kafka has it.
curl -sS http://127.0.0.1:8085/driver/location \
  --json '{"driver_id": "driver-1", "latitude": -6.2000, "longitude": 106.8166}'; echo

# A passenger puts money in (minor units) and orders.
curl -sS http://127.0.0.1:8085/customer/wallet/credit \
  --json '{"user_id": "alice", "amount_minor": 5000000, "reference_id": "top-up-1"}'; echo
order=$(curl -sS http://127.0.0.1:8085/customer/order \
  --json '{"passenger_id": "alice", "pickup_lat": -6.2, "pickup_long": 106.8166,
       "dropoff_lat": -6.17, "dropoff_long": 106.82}' | sed 's/.*"order_id": *"\([^"]*\)".*/\1/')

# Ask for a driver until one is near; the order becomes MATCHED when the event has gone round.
until curl -sS http://127.0.0.1:8085/customer/ride/request --json "{\"order_id\": \"$order\"}" |
  grep DRIVERS_FOUND; do sleep 0.2; done
until curl -sS "http://127.0.0.1:8085/customer/order?id=$order" | grep MATCHED; do sleep 0.2; done

# The driver starts and finishes the ride; the fare is taken from the wallet.
curl -sS -X PUT http://127.0.0.1:8085/driver/order/status \
  --json "{\"order_id\": \"$order\", \"status\": \"STARTED\"}"; echo
curl -sS -X PUT http://127.0.0.1:8085/driver/order/status \
  --json "{\"order_id\": \"$order\", \"status\": \"FINISHED\"}"; echo
until curl -sS "http://127.0.0.1:8085/customer/wallet?user_id=alice" | grep -v '"5000000"'; do
  sleep 0.2; done

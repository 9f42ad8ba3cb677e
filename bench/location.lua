-- For wrk: the body of POST /driver/location.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"driver_id": "driver-1", "latitude": -6.2, "longitude": 106.8166}'

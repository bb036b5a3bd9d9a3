"""Weather: stations, hourly temperatures observed and forecast, and the degree days made of them."""

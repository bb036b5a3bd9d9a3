"""How metering keeps things: implementations of its ports."""

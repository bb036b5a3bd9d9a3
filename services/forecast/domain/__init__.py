"""The rules of forecasting: pure, over arrays."""

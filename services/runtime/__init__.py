"""What every service runs on; knows no service, and of generated code only options and its own messages."""

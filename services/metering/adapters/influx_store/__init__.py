"""The series store of the scaled-out form: the journal stays in a local file, and InfluxDB 2 is a projection of it."""

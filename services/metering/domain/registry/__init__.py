"""Places, metering points and the dated tables about them: what is true of them, and how they change."""

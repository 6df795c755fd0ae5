"""The server: records, HTTP, live stream, wiring."""

"""The live stream: what a console shows now, as snapshots and patches over one WebSocket (``hotline.v1``)."""

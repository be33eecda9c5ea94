"""Many pictures: the same settings on a series, on one machine or a cluster."""

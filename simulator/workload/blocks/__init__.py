"""The parts that blocks are made of: attention, feed-forward. Each is a value that adds its ops to a section."""

"""The loopback registry gateway: metadata only while planning, the frozen view while installing."""

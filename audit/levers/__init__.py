"""Ways to spend less: one module per lever, each declaring one `LEVER`."""

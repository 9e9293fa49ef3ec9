"""From lists, folders and shards to rows: which video, which label, which group, which stretch."""

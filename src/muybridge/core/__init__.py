"""What every room stands on: clips, features, records, seeds, catalogues."""
